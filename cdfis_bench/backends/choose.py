"""Choosing the backend of a run, once, by name; `auto` takes the fastest that fits."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cdfis_bench.backends.chunks import samples_at_once
from cdfis_bench.backends.onednn import use_onednn
from cdfis_bench.backends.timing import milliseconds
from cdfis_bench.core.errors import require, require_choice
from cdfis_bench.core.streams import drawing_from, stream

BACKENDS = ("plain", "channels_last", "onednn")
# On a GPU channels_last must win by this much: a repeat of a run should choose as the first did.
_MARGIN = 0.9


@dataclass(frozen=True, slots=True)
class Backend:
    """What a run computes with; goes into its record.

    chunk_size: samples per forward pass of scoring and evaluation.
    measured_ms: of a training and a scoring pass, per backend, where `auto` had to measure.
    """

    name: str
    chunk_size: int
    measured_ms: dict[str, float] | None = None


def apply_backend(
    name: str,
    model: nn.Module,
    x: Tensor,
    train_mode: bool,
    dtype: torch.dtype,
    chunk_size: int,
) -> Backend:
    """Makes `model` compute with the backend called `name`, or with the fastest that fits (auto).

    plain: as PyTorch does by itself. channels_last: weights of 4 dimensions in NHWC order.
    onednn: that, and passes without gradients on tensors in oneDNN's own layout (CPU only).
    x: [n, *D] samples on the device, n >= 2. train_mode, dtype: of scoring.
    chunk_size: samples per pass that memory allows, at most.
    On a CPU `auto` goes by rule, so that a run repeats bit for bit; on CUDA it measures.
    Raises UserError if the network or the device cannot take a backend that was asked for.
    """
    require_choice("backend", name, ("auto", *BACKENDS))
    measured = None
    with drawing_from(stream(0, "backend", x.device)):  # of dropout, in trial passes
        if name == "auto":
            name, measured = _fastest(model, x, train_mode, dtype)
        else:
            reason = _misfit(name, model, x, train_mode, dtype)
            require(reason is None, f"backend={name} {reason}; use backend=auto")
    if name != "plain":
        model.to(memory_format=torch.channels_last)
        if x.device.type == "cpu":
            chunk_size = min(chunk_size, samples_at_once(model, x[:2]))
    if name == "onednn":
        use_onednn(model)
    return Backend(name, chunk_size, measured)


def _fastest(
    model: nn.Module, x: Tensor, train_mode: bool, dtype: torch.dtype
) -> tuple[str, dict[str, float] | None]:
    device = x.device.type
    fits = [
        backend for backend in BACKENDS if _misfit(backend, model, x, train_mode, dtype) is None
    ]
    if device == "cpu":
        return fits[-1], None
    if device != "cuda" or "channels_last" not in fits:
        return "plain", None
    twin = copy.deepcopy(model).to(memory_format=torch.channels_last)
    measured = milliseconds({"plain": copy.deepcopy(model), "channels_last": twin}, x)
    faster = measured["channels_last"] < _MARGIN * measured["plain"]
    return "channels_last" if faster else "plain", measured


def _misfit(
    name: str, model: nn.Module, x: Tensor, train_mode: bool, dtype: torch.dtype
) -> str | None:
    """Why the backend cannot be used here; None if it can."""
    if name == "plain":
        return None
    if x.ndim != 4 or not any(isinstance(module, nn.Conv2d) for module in model.modules()):
        return "is for networks with 2-D convolutions on images"
    if name == "channels_last":
        return None
    if x.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return f"needs a CPU and a PyTorch with oneDNN, and this run computes on {x.device.type}"
    if dtype is not torch.float32:
        return "computes in float32, and scoring_dtype says otherwise"
    return _onednn_misfit(model, x[:2], train_mode)


def _onednn_misfit(model: nn.Module, x: Tensor, train_mode: bool) -> str | None:
    """Found by trying: layers may be anyone's. Two samples pass through copies of the network."""
    plain = copy.deepcopy(model).eval()
    fast = copy.deepcopy(model).eval()
    use_onednn(fast)
    with torch.no_grad():
        expected = plain(x)
        try:
            logits = fast(x)
            if train_mode:
                fast.train()(x)
        except (RuntimeError, NotImplementedError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            reason = str(error).splitlines()[0].rstrip(".")
            return f"cannot compute this network ({reason})"
    if not torch.allclose(logits, expected, rtol=1e-4, atol=1e-5):
        return "gives other logits for this network"
    return None
