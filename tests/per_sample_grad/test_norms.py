"""grad_norms and layer_grad_norms against a float64 loop of single-sample backward passes."""

import copy
import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Batch
from cdfis_bench.metrics import GradNorm
from cdfis_bench.per_sample_grad import (
    PerSampleGradError,
    cross_entropy,
    grad_norms,
    layer_grad_norms,
)
from tests.metrics.networks import (
    BY_LAYER,
    NETWORKS,
    batch_for,
    built,
    largest_relative_error,
    layer_norms_one_by_one,
    network,
)
from tests.per_sample_grad.losses import (
    CLASSIFICATION,
    REGRESSION,
    every_position,
    focal,
    made_targets,
    mse,
)

LOSSES = {"cross_entropy": cross_entropy} | CLASSIFICATION | REGRESSION
LARGEST_ERROR = {torch.float32: 2e-5, torch.float64: 1e-11}
CASES = [(loss, torch.float64) for loss in LOSSES] + [("focal", torch.float32)]


def problem(name: str, loss: str, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, Batch]:
    """A network and samples with targets that the loss understands."""
    k = 37 if name == "sequence_first" else 9  # as long as its sequences, to be confused with them
    model, batch = network(name, dtype), batch_for(name, k, dtype)
    if loss in REGRESSION:
        with torch.no_grad():
            targets = made_targets(model(batch.x), stream(0, "test/targets"))
        batch = Batch(batch.x, targets, batch.index)
    return model, batch


def exact_norms(model: nn.Module, batch: Batch, loss: Callable = cross_entropy) -> Tensor:
    layers = layer_norms_one_by_one(model, batch, loss)
    return torch.stack([norms.square() for norms in layers.values()]).sum(0).sqrt()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("loss", "dtype"), CASES)
def test_total_and_layers_equal_single_sample_backward_passes(
    name: str, loss: str, dtype: torch.dtype
) -> None:
    error = LARGEST_ERROR[dtype]
    model, batch = problem(name, loss, dtype)
    exact = layer_norms_one_by_one(model, batch, LOSSES[loss])
    total = grad_norms(model, batch.x, batch.y, LOSSES[loss])
    layers = layer_grad_norms(model, batch.x, batch.y, LOSSES[loss])

    assert total.shape == batch.y.shape[:1] and total.dtype == dtype and not total.requires_grad
    assert largest_relative_error(total, exact_norms(model, batch, LOSSES[loss])) <= error
    assert list(layers) == list(exact)
    for layer, norms in layers.items():
        assert norms.dtype == dtype and not norms.requires_grad
        difference = (norms - exact[layer]).abs() / total
        assert difference.max() <= error, layer
    summed = torch.stack([norms.square() for norms in layers.values()]).sum(0).sqrt()
    assert largest_relative_error(summed, total.double()) <= error


class Segmentation(nn.Sequential):
    """Returns one row of logits per position."""

    def __init__(self, convolution: type[nn.Module], channels: int) -> None:
        super().__init__(convolution(channels, 4, 3, padding=1), nn.PReLU(4))
        self.append(convolution(4, 3, 1))


class TokenLogits(nn.Sequential):
    """Returns logits [K, classes, tokens] of an embedding and linear layers on sequences."""

    def __init__(self) -> None:
        super().__init__(nn.Embedding(6, 5), nn.LayerNorm(5), nn.Linear(5, 4), nn.Tanh())
        self.append(nn.Linear(4, 3))

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).mT


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=stream(0, "test/x"), dtype=torch.float64)


PER_POSITION: dict[str, tuple[Callable[[], nn.Module], Tensor]] = {
    "conv1d": (lambda: Segmentation(nn.Conv1d, 2), drawn(5, 2, 7)),
    "conv2d": (lambda: Segmentation(nn.Conv2d, 2), drawn(5, 2, 7, 6)),
    "conv3d": (lambda: Segmentation(nn.Conv3d, 2), drawn(5, 2, 4, 3, 4)),
    "tokens": (TokenLogits, drawn(5, 7).mul(2).abs().long().clamp(max=5)),
    "linear": (lambda: nn.Sequential(nn.Unflatten(1, (3, 6)), nn.Linear(6, 4)), drawn(5, 18)),
}


@pytest.mark.parametrize("name", PER_POSITION)
def test_outputs_of_any_shape_with_one_row_per_sample(name: str) -> None:
    make, x = PER_POSITION[name]
    model = built(make).double()
    outputs = model(x)
    generator = stream(0, "test/y")
    y = torch.randint(3, (5, *outputs.shape[2:]), generator=generator)
    for loss, targets in [(every_position, y), (mse, made_targets(outputs, generator))]:
        batch = Batch(x, targets, torch.arange(5))
        exact = exact_norms(model, batch, loss)
        assert largest_relative_error(grad_norms(model, x, targets, loss), exact) <= 1e-11


@pytest.mark.parametrize("hidden", [nn.Tanh, nn.ReLU])  # layer by layer, and a chain
def test_outputs_without_a_second_dimension(hidden: type[nn.Module]) -> None:
    model = built(lambda: nn.Sequential(nn.Linear(2, 8), hidden(), nn.Linear(8, 1), nn.Flatten(0)))
    x, y = drawn(9, 2), torch.linspace(0, 1, 9, dtype=torch.float64)
    huber = nn.HuberLoss(reduction="none")
    exact = exact_norms(model, Batch(x, y, torch.arange(9)), huber)
    assert largest_relative_error(grad_norms(model.double(), x, y, huber), exact) <= 1e-11


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    widths=st.lists(st.integers(1, 12), min_size=2, max_size=5),
    k=st.integers(1, 9),
    activation=st.sampled_from([nn.ReLU, nn.Tanh, nn.Identity]),
    bias=st.booleans(),
    frozen=st.sets(st.integers(0, 3)),
    sequence=st.sampled_from([(), (4,), (2, 3)]),
    chunk_size=st.none() | st.integers(1, 9),
    seed=st.integers(0, 1000),
)
def test_any_mlp_equals_single_sample_backward_passes(
    widths: list[int],
    k: int,
    activation: type[nn.Module],
    bias: bool,
    frozen: set[int],
    sequence: tuple[int, ...],
    chunk_size: int | None,
    seed: int,
) -> None:
    generator = stream(seed, "test/mlp")
    with drawing_from(generator):
        layers = [
            part
            for low, high in itertools.pairwise(widths)
            for part in (nn.Linear(low, high, bias), activation())
        ]
        model = nn.Sequential(*layers[:-1]).double()
    for number, layer in enumerate(model[::2]):
        layer.requires_grad_(number not in frozen or number == len(widths) - 2)
    x = torch.randn(k, *sequence, widths[0], generator=generator, dtype=torch.float64)
    y = made_targets(model(x), generator)
    exact = exact_norms(model, Batch(x, y, torch.arange(k)), mse)
    found = grad_norms(model, x, y, mse, chunk_size=chunk_size)
    torch.testing.assert_close(found, exact, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("chunk_size", [1, 5, 37, 1000])
@pytest.mark.parametrize("name", ["cnn", "side_branches", "used_twice"])
def test_chunk_size_does_not_matter(name: str, chunk_size: int) -> None:
    model, batch = network(name), batch_for(name)
    whole = grad_norms(model, batch.x, batch.y, focal)
    parts = grad_norms(model, batch.x, batch.y, focal, chunk_size=chunk_size)
    torch.testing.assert_close(parts, whole, rtol=1e-6, atol=0)
    layers = layer_grad_norms(model, batch.x, batch.y, focal)
    for layer, norms in layer_grad_norms(
        model, batch.x, batch.y, focal, chunk_size=chunk_size
    ).items():
        torch.testing.assert_close(norms, layers[layer], rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", ["mlp", "cnn", "used_twice"])
def test_the_default_is_the_metric_bit_for_bit(name: str) -> None:
    model, batch = network(name), batch_for(name)
    norms = grad_norms(model, batch.x, batch.y, chunk_size=128)
    assert torch.equal(norms, GradNorm()(model, batch))
    assert torch.equal(norms, grad_norms(model, batch.x, batch.y, cross_entropy))


@pytest.mark.parametrize("name", ["mlp", "cnn", "counts_forwards", "used_twice"])
def test_cross_entropy_as_a_function_of_ones_own_agrees(name: str) -> None:
    model, batch = network(name), batch_for(name)
    own = nn.CrossEntropyLoss(reduction="none")
    expected = grad_norms(model, batch.x, batch.y)
    torch.testing.assert_close(
        grad_norms(model, batch.x, batch.y, own), expected, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("function", [grad_norms, layer_grad_norms])
@pytest.mark.parametrize("loss", [cross_entropy, focal], ids=["default", "focal"])
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("name", ["mlp", "deep", "cnn", "batch_norm", "counts_forwards"])
def test_the_network_is_left_as_it_was(
    name: str, training: bool, loss: Callable, function: Callable
) -> None:
    model, batch = network(name).train(training), batch_for(name)
    if training:
        for module in model.modules():  # frozen BatchNorm is common in fine-tuning
            module.train(not isinstance(module, nn.BatchNorm2d))
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 0.5)
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    values = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    with drawing_from(stream(0, "noise")):
        function(model, batch.x, batch.y, loss)
    after = dict(model.named_parameters()) | dict(model.named_buffers())
    assert all(after[key] is tensor for key, tensor in tensors.items())
    assert all(torch.equal(model.state_dict()[key], value) for key, value in values.items())
    assert [module.training for module in model.modules()] == modes
    for parameter in model.parameters():
        assert parameter.requires_grad
        assert parameter.grad is not None and bool((parameter.grad == 0.5).all())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("name", ["mlp", "cnn", "used_twice"])
def test_hooks_are_removed_when_the_loss_fails(name: str) -> None:
    model, batch = network(name), batch_for(name)

    def broken(outputs: Tensor, targets: Tensor) -> Tensor:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        grad_norms(model, batch.x, batch.y, broken)
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("name", ["mlp", "cnn", "used_twice"])
def test_surrounding_no_grad_changes_nothing(name: str) -> None:
    model, batch = network(name), batch_for(name)
    with torch.no_grad():
        inside = grad_norms(model, batch.x, batch.y, focal)
    assert torch.equal(inside, grad_norms(model, batch.x, batch.y, focal))


def test_train_mode_draws_a_dropout_mask_per_sample() -> None:
    model, one = network("deep").train(), batch_for("deep", k=1)
    x, y = one.x.expand(16, 2), one.y.expand(16)
    with drawing_from(stream(0, "noise")):
        in_train_mode = grad_norms(model, x, y, focal)
    assert in_train_mode.unique().numel() > 8
    assert grad_norms(model.eval(), x, y, focal).unique().numel() == 1


@pytest.mark.parametrize("name", ["mlp", "cnn", "used_twice"])
def test_bfloat16_is_computed_in_float32_from_the_outputs_on(name: str) -> None:
    model, batch = problem(name, "mse")
    expected = grad_norms(model, batch.x, batch.y, mse)
    norms = grad_norms(model.bfloat16(), batch.x.bfloat16(), batch.y, mse)
    assert norms.dtype == torch.float32
    torch.testing.assert_close(norms, expected, rtol=0.1, atol=0.03)


def test_layers_that_the_loss_ignores_have_zeros() -> None:
    model, batch = network("side_branches"), batch_for("side_branches")
    layers = layer_grad_norms(model, batch.x, batch.y)
    assert list(layers) == ["enter", "skip", "leave", "ignored"]  # "idle" is frozen
    assert not layers["ignored"].any() and layers["enter"].all()


def test_a_layer_as_the_network_has_the_empty_name() -> None:
    batch = batch_for("single_layer")
    layers = layer_grad_norms(network("single_layer"), batch.x, batch.y)
    assert list(layers) == [""]


def test_a_shared_weight_counts_once_for_the_first_layer() -> None:
    model, batch = network("shared_parameter"), batch_for("shared_parameter")
    layers = layer_grad_norms(model, batch.x, batch.y)
    assert list(layers) == ["0", "2", "3"]  # the bias of "2" is its own
    exact = layer_norms_one_by_one(model, batch, cross_entropy)
    for layer, norms in layers.items():
        assert largest_relative_error(norms, exact[layer]) <= 1e-5


# One network for each of the three ways to compute the norms.
@pytest.mark.parametrize("name", ["mlp", "cnn", "used_twice"])
@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (F.cross_entropy, r'returned a scalar .*one value per sample.*reduction="none"'),
        (lambda z, y: -z.log_softmax(1), r"returned shape \(\d+, \d\).*flatten\(1\)"),
        (lambda z, y: z[:, :1], r"returned shape \(\d+, 1\)"),
        (lambda z, y: 0.5, "returned a float"),
    ],
    ids=["scalar", "per_class", "column", "number"],
)
def test_losses_of_the_wrong_shape_are_refused(name: str, loss: Callable, message: str) -> None:
    model, batch = network(name), batch_for(name)
    for function in (grad_norms, layer_grad_norms):
        with pytest.raises(UserError, match=message):
            function(model, batch.x, batch.y, loss)


@pytest.mark.parametrize("name", ["mlp", "cnn"])
@pytest.mark.parametrize(
    "loss",
    [lambda z, y: z.detach().sum(1), lambda z, y: nn.Parameter(torch.ones(len(y))) * y],
    ids=["detached", "other_parameters"],
)
def test_losses_that_ignore_the_outputs_are_refused(name: str, loss: Callable) -> None:
    model, batch = network(name), batch_for(name)
    with pytest.raises(UserError, match="does not depend on the outputs"):
        grad_norms(model, batch.x, batch.y, loss)


def test_batch_norm_in_train_mode_is_refused() -> None:
    model, batch = network("batch_norm").train(), batch_for("batch_norm")
    for function in (grad_norms, layer_grad_norms):
        with pytest.raises(PerSampleGradError, match=r"BatchNorm in train mode.*model\.eval\(\)"):
            function(model, batch.x, batch.y)


def test_batch_norm_without_running_statistics_is_refused_in_eval_mode() -> None:
    norm = nn.BatchNorm2d(4, track_running_stats=False)
    model = built(lambda: nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.Flatten(), nn.Linear(144, 3)))
    batch = batch_for("cnn")
    with pytest.raises(PerSampleGradError, match="track_running_stats=False"):
        grad_norms(model, batch.x, batch.y)


@pytest.mark.parametrize("name", ["mlp", "cnn", "used_twice"])
def test_networks_without_trainable_parameters_are_refused(name: str) -> None:
    model, batch = network(name).requires_grad_(False), batch_for(name)
    for function in (grad_norms, layer_grad_norms):
        with pytest.raises(PerSampleGradError, match="no trainable parameter"):
            function(model, batch.x, batch.y)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (torch.zeros(36, dtype=torch.int64), r"37 samples and y has shape \(36,\)"),
        (torch.zeros(37), r"class indices \[K\] int64.*torch\.float32.*loss="),
        (torch.zeros(37, 3, dtype=torch.int64), r"shape \(37, 3\)"),
    ],
    ids=["length", "dtype", "shape"],
)
def test_targets_that_do_not_fit_are_refused(targets: Tensor, message: str) -> None:
    with pytest.raises(UserError, match=message):
        grad_norms(network("mlp"), batch_for("mlp").x, targets)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(UserError, match="at least one sample"):
        grad_norms(network("mlp"), torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64))


@pytest.mark.parametrize("loss", [cross_entropy, mse], ids=["default", "mse"])
def test_outputs_without_one_row_per_sample_are_refused(loss: Callable) -> None:
    model = built(lambda: nn.Sequential(nn.Linear(2, 2), nn.Flatten(0)))
    batch = batch_for("mlp")
    with pytest.raises(UserError, match=r"returned shape \(74,\) for 37 samples"):
        grad_norms(model, batch.x, batch.y, loss)


@pytest.mark.parametrize("chunk_size", [0, -1, 1.5, True, "64"])
def test_chunk_size_must_be_a_positive_integer(chunk_size: object) -> None:
    batch = batch_for("mlp")
    with pytest.raises(UserError, match="chunk_size"):
        grad_norms(network("mlp"), batch.x, batch.y, chunk_size=chunk_size)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # attention on a CPU
def test_layers_outside_the_rules_are_still_exact() -> None:
    """Attention and RMSNorm have no rule, so the whole network goes through vmap."""

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attend = nn.MultiheadAttention(4, 2, batch_first=True)
            self.norm, self.leave = nn.RMSNorm(4), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            attended, _ = self.attend(x, x, x, need_weights=False)
            return self.leave(self.norm(attended).mean(1))

    model, x = built(Attention).double(), drawn(6, 5, 4)
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    batch = Batch(x, y, torch.arange(6))
    assert largest_relative_error(grad_norms(model, x, y), exact_norms(model, batch)) <= 1e-11
    names = {name.rpartition(".")[0] for name, _ in model.named_parameters()}
    assert set(layer_grad_norms(model, x, y)) == names


def test_names_follow_the_order_of_the_network() -> None:
    for name in BY_LAYER:
        model, batch = network(name), batch_for(name)
        names = [n.rpartition(".")[0] for n, p in model.named_parameters() if p.requires_grad]
        assert list(layer_grad_norms(model, batch.x, batch.y)) == list(dict.fromkeys(names)), name
