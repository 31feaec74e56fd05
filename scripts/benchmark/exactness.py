"""What must hold before anything is timed."""

import copy

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmark.ours import large_batch
from cdfis_bench.core.types import Batch
from cdfis_bench.engine.setup import RunSetup


def assert_exact_norms(training: RunSetup, samples: int = 8) -> None:
    """Our gradient norms in float64 are those of single-sample backward passes, to 1e-10."""
    model = copy.deepcopy(training.model).double().eval()
    batch = large_batch(training)
    batch = Batch(batch.x[:samples].double(), batch.y[:samples], batch.index[:samples])
    expected = []
    for i in range(samples):
        loss = cross_entropy(model(batch.x[i : i + 1]), batch.y[i : i + 1])
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        expected.append(torch.cat([g.flatten() for g in gradients]).norm())
    ours = training.make_method().score(model, batch)
    assert ours.dtype == torch.float64, ours.dtype
    torch.testing.assert_close(ours, torch.stack(expected), rtol=1e-10, atol=1e-12)


def assert_same_norms(ours: Tensor, theirs: Tensor, name: str) -> None:
    """Both sides measure the same thing, as far as float32 can tell."""
    torch.testing.assert_close(
        theirs.detach(), ours, rtol=1e-3, atol=1e-6, msg=lambda text: f"{name}: {text}"
    )


def assert_same_layout(*tensors: Tensor) -> None:
    """Same shape, type and strides: otherwise a layout would be compared, not an algorithm."""
    first = tensors[0]
    for other in tensors[1:]:
        assert (other.shape, other.dtype, other.stride()) == (
            first.shape,
            first.dtype,
            first.stride(),
        ), (first.shape, first.stride(), other.shape, other.stride())
