"""Small networks with difficult per-sample gradients, and the slow, obviously correct norms."""

import copy
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Batch
from cdfis_bench.models.resnet import resnet

CLASSES = 3
Network = TypeVar("Network", bound=nn.Module)
Loss = Callable[[Tensor, Tensor], Tensor]


class UsedTwice(nn.Module):
    """The same layer twice in one forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.again, self.leave = nn.Linear(2, 8), nn.Linear(8, 8), nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.leave(self.again(self.again(self.enter(x).tanh()).tanh()).tanh())


class TiedByHand(nn.Module):
    """A layer's weight used a second time without the layer, where hooks do not see it."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(2, 8), nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        h = self.enter(x).tanh()
        return self.leave(h + self.enter(F.linear(h, self.enter.weight.t())))


class TiedOnce(TiedByHand):
    """As above, but each layer is called once."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.enter(x).tanh()
        return self.leave(h + F.linear(F.linear(h, self.enter.weight.t()), self.enter.weight))


class TiedAlike(nn.Module):
    """A layer called once whose weight is used again unchanged, where a cast would hide it."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(2, 2), nn.Linear(2, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.leave(F.linear(self.enter(x).tanh(), self.enter.weight).tanh())


class TwoRowsPerSample(nn.Module):
    """A 2-D layer that sees more rows than there are samples."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(1, 8), nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.leave(self.enter(x.reshape(-1, 1)).relu().reshape(-1, 16))


class SideBranches(nn.Module):
    """A head that the logits ignore, one that is never called, and a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.skip, self.leave = nn.Linear(2, 8), nn.Linear(2, 8), nn.Linear(8, CLASSES)
        self.ignored, self.idle = nn.Linear(8, 1), nn.Linear(8, 1)
        self.idle.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        h = self.enter(x).relu() + self.skip(x)
        self.ignored(h)
        return self.leave(h)


class CalledOddly(nn.Module):
    """One layer called without effect, then by keyword; one of which only the weight is used."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(2, 8), nn.Linear(8, CLASSES, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        self.enter(x)
        return F.linear(self.enter(input=x).relu(), self.leave.weight)


class Tokens(nn.Module):
    """Embeds six tokens per sample, among them repeats and padding, and normalizes each."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm = nn.Embedding(5, 8, padding_idx=0), nn.LayerNorm(8)
        self.wide, self.narrow = nn.Linear(8, 64), nn.Linear(64, 4, bias=False)
        self.all, self.leave = nn.LayerNorm([6, 4]), nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x.abs().mul(2).long().clamp(max=4))  # [K, 6, 8]
        h = self.narrow(self.wide(self.norm(h)).tanh())
        return self.leave(self.all(h).flatten(1))


class SequenceFirst(nn.Module):
    """A layer whose first dimension is not that of the samples, although it is as long."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(1, 8), nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.leave(self.enter(x.t().unsqueeze(2)).tanh().square().mean(0))


class Sequences(nn.Module):
    """One-dimensional convolutions there and back, with a learned slope."""

    def __init__(self) -> None:
        super().__init__()
        self.there, self.slope = nn.Conv1d(1, 4, 3, padding=1), nn.PReLU(4)
        self.back, self.leave = nn.ConvTranspose1d(4, 2, 3, stride=2), nn.Linear(26, CLASSES)
        self.there.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        h = self.slope(self.there(x.unsqueeze(1)))  # [K, 4, 6]
        return self.leave(self.back(h).flatten(1))


class CountsForwards(nn.Module):
    """Writes to its buffers in train mode, in place and by replacement."""

    count: Tensor
    last: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([0.5, 1.5]))
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("last", torch.zeros(()))
        self.leave = nn.Linear(2, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.count += 1
            self.last = self.count + 1
        return self.leave(x * self.scale)


class Keyword(nn.Sequential):
    """Its last layer is called by keyword."""

    def forward(self, input: Tensor) -> Tensor:
        return self[2](input=self[1](self[0](input)))


def mlp_one_frozen() -> nn.Module:
    """Trains only the bias of the second layer and the weight of the last."""
    model = nn.Sequential(
        nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, CLASSES)
    )
    model[0].requires_grad_(False)
    model[2].weight.requires_grad_(False)
    model[4].bias.requires_grad_(False)
    return model


def cnn_one_frozen() -> nn.Module:
    model = convolutional(nn.Identity)
    model.get_parameter("0.weight").requires_grad_(False)
    return model


def shared_parameter() -> nn.Module:
    """Two layers, one weight."""
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2), nn.Linear(2, CLASSES))
    model[2].weight = model[0].weight
    return model


def convolutional(norm: Callable[[], nn.Module]) -> nn.Module:
    """For images of 1 x 8 x 8."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), norm(), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(36, CLASSES),
    )  # fmt: skip


# The first group is computed layer by layer; the second needs vmap.
BY_LAYER: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: nn.Sequential(nn.Linear(2, 50), nn.ReLU(), nn.Linear(50, 2)),
    "no_bias": lambda: nn.Sequential(
        nn.Linear(2, 50, bias=False), nn.ReLU(), nn.Linear(50, CLASSES, bias=False)
    ),
    "deep": lambda: nn.Sequential(
        nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.GELU(), nn.Linear(16, 16), nn.SiLU(),
        nn.Dropout(0.5), nn.Linear(16, CLASSES),
    ),
    "single_layer": lambda: nn.Linear(2, CLASSES),
    "relu_in_place": lambda: nn.Sequential(
        nn.Linear(2, 16), nn.ReLU(inplace=True), nn.Linear(16, CLASSES), nn.Hardtanh(inplace=True)
    ),
    "one_frozen": mlp_one_frozen,
    "side_branches": SideBranches,
    "keyword": lambda: Keyword(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, CLASSES)),
    "cnn": lambda: convolutional(nn.Identity),
    "cnn_one_frozen": cnn_one_frozen,
    "group_norm": lambda: convolutional(lambda: nn.GroupNorm(2, 4)),
    "batch_norm": lambda: convolutional(lambda: nn.BatchNorm2d(4)),
    "resnet": lambda: resnet(1, 8, CLASSES, width=8, blocks=1),
    "resnet_batch_norm": lambda: resnet(1, 8, CLASSES, width=8, blocks=1, norm="batch"),
    "batch_norm_1d": lambda: nn.Sequential(
        nn.Linear(2, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES)
    ),
    "tokens": Tokens,
    "sequences": Sequences,
    "fixed_batch_norm": lambda: nn.Sequential(
        nn.Linear(2, 8), nn.BatchNorm1d(8, affine=False), nn.ReLU(), nn.Linear(8, CLASSES)
    ),
}  # fmt: skip
GENERAL: dict[str, Callable[[], nn.Module]] = {
    "sequence_first": SequenceFirst,
    "used_twice": UsedTwice,
    "shared_parameter": shared_parameter,
    "tied_by_hand": TiedByHand,
    "tied_once": TiedOnce,
    "tied_alike": TiedAlike,
    "two_rows_per_sample": TwoRowsPerSample,
    "called_oddly": CalledOddly,
    "counts_forwards": CountsForwards,
    "weight_norm": lambda: nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(2, 8)), nn.ReLU(), nn.Linear(8, CLASSES)
    ),
}
NETWORKS = BY_LAYER | GENERAL
IMAGES = ("cnn", "cnn_one_frozen", "group_norm", "batch_norm", "resnet", "resnet_batch_norm")
# Shapes of a sample that are not (2,). The last is as long as the batches of batch_for.
SHAPES = dict.fromkeys(IMAGES, (1, 8, 8)) | {
    "tokens": (6,),
    "sequences": (6,),
    "sequence_first": (37,),
}


def built(make: Callable[[], Network]) -> Network:
    """The network that `make` returns, in eval mode, with weights drawn from a fixed stream."""
    with drawing_from(stream(0, "test/init")):
        return make().eval()


def network(name: str, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The network `name` in eval mode, with running statistics that are not the initial ones."""
    model = built(NETWORKS[name])
    generator = stream(0, f"test/{name}")
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    return model.to(dtype)


def batch_for(name: str, k: int = 37, dtype: torch.dtype = torch.float32) -> Batch:
    """k samples for the network `name`."""
    generator = stream(1, f"test/{name}")
    shape = (k, *SHAPES.get(name, (2,)))
    x = torch.randn(shape, generator=generator, dtype=torch.float64).to(torch.float32).to(dtype)
    y = torch.randint(2 if name == "mlp" else CLASSES, (k,), generator=generator)
    return Batch(x, y, torch.arange(k))


def norms_one_by_one(model: nn.Module, batch: Batch) -> Tensor:
    """Gradient norms [K] float64 over the trainable parameters, by K backward passes in float64."""
    squares = [norms.square() for norms in layer_norms_one_by_one(model, batch).values()]
    return torch.stack(squares).sum(0).sqrt()


def layer_norms_one_by_one(
    model: nn.Module, batch: Batch, loss: Loss = F.cross_entropy
) -> dict[str, Tensor]:
    """The same for each module that owns trainable parameters, by its name.

    loss: of a batch of one sample; its mean or sum, which are the same.
    """
    model = copy.deepcopy(model).double()
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    squares = {name.rpartition(".")[0]: torch.zeros(len(batch)).double() for name in trained}
    x, y = (t.double() if t.is_floating_point() else t for t in (batch.x, batch.y))
    for k in range(len(batch)):
        value = loss(model(x[k : k + 1]), y[k : k + 1])
        gradients = torch.autograd.grad(value, [*trained.values()], allow_unused=True)
        for name, gradient in zip(trained, gradients, strict=True):
            if gradient is not None:
                squares[name.rpartition(".")[0]][k] += gradient.square().sum()
    return {name: values.sqrt() for name, values in squares.items()}


def largest_relative_error(found: Tensor, exact: Tensor) -> float:
    """Largest |found - exact| / exact over the samples; 0 / 0 counts as 0."""
    errors = (found.double() - exact).abs()
    return (errors / exact.where(errors > 0, 1.0)).max().item()
