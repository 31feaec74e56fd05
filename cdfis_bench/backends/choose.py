"""Chooses the backend of a run by name; `auto` takes the fastest that the network supports."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cdfis_bench.backends.chunks import cache_friendly_chunk_size
from cdfis_bench.backends.onednn import use_onednn
from cdfis_bench.backends.timing import median_milliseconds
from cdfis_bench.core.errors import require, require_choice
from cdfis_bench.core.streams import drawing_from, stream

BACKENDS = ("plain", "channels_last", "onednn")
# On a GPU channels_last must take at most this share of the time of plain, so that two runs of the
# same configuration choose the same backend in spite of noise.
_MAX_TIME_RATIO = 0.9


@dataclass(frozen=True, slots=True)
class Backend:
    """The backend of a run, as stored in its record.

    Attributes:
        name: plain, channels_last or onednn.
        chunk_size: Samples per forward pass of scoring and evaluation.
        measured_ms: Milliseconds of a scoring and a training pass by backend, where `auto`
            measured them (on CUDA); otherwise None.
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
    """Makes `model` compute with one of the backends, in place.

    - plain: as PyTorch does by default.
    - channels_last: 4-D weights in NHWC memory order.
    - onednn: channels_last, and passes without gradients in oneDNN's own layout (CPU only).
    - auto: the fastest that the network and the device support. On a CPU it follows a fixed rule,
      so that a run repeats bit for bit; on CUDA it measures.

    Args:
        name: "auto", "plain", "channels_last" or "onednn".
        model: The network, on its device.
        x: Samples [n, *D] on the same device, n >= 2, to try the network with.
        train_mode: Whether scoring runs the network in train mode.
        dtype: The dtype of scoring.
        chunk_size: The largest number of samples per forward pass that memory allows.

    Returns:
        The backend in use; its chunk_size is at most that of the argument.

    Raises:
        UserError: If the name is unknown, or if the network or the device does not support it.
    """
    require_choice("backend", name, ("auto", *BACKENDS))
    measured = None
    with drawing_from(stream(0, "backend", x.device)):  # for dropout in the trial passes
        if name == "auto":
            name, measured = _fastest(model, x, train_mode, dtype)
        else:
            reason = _why_unsupported(name, model, x, train_mode, dtype)
            require(reason is None, f"backend={name} {reason}; use backend=auto")
    if name != "plain":
        model.to(memory_format=torch.channels_last)
        if x.device.type == "cpu":
            chunk_size = min(chunk_size, cache_friendly_chunk_size(model, x[:2]))
    if name == "onednn":
        use_onednn(model)
    return Backend(name, chunk_size, measured)


def _fastest(
    model: nn.Module, x: Tensor, train_mode: bool, dtype: torch.dtype
) -> tuple[str, dict[str, float] | None]:
    """The name of the backend, and milliseconds by backend if they were measured."""
    device = x.device.type
    supported = [
        name for name in BACKENDS if _why_unsupported(name, model, x, train_mode, dtype) is None
    ]
    if device == "cpu":
        return supported[-1], None
    if device != "cuda" or "channels_last" not in supported:
        return "plain", None
    twin = copy.deepcopy(model).to(memory_format=torch.channels_last)
    measured = median_milliseconds({"plain": copy.deepcopy(model), "channels_last": twin}, x)
    faster = measured["channels_last"] < _MAX_TIME_RATIO * measured["plain"]
    return "channels_last" if faster else "plain", measured


def _why_unsupported(
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
        return "computes in float32, but scoring_dtype is another type"
    return _why_onednn_fails(model, x[:2], train_mode)


def _why_onednn_fails(model: nn.Module, x: Tensor, train_mode: bool) -> str | None:
    """Tries a copy of the network on two samples, because any layer may be unsupported."""
    plain = copy.deepcopy(model).eval()
    converted = copy.deepcopy(model).eval()
    use_onednn(converted)
    with torch.no_grad():
        expected = plain(x)
        try:
            logits = converted(x)
            if train_mode:
                converted.train()(x)
        except (RuntimeError, NotImplementedError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            reason = str(error).splitlines()[0].rstrip(".")
            return f"cannot compute this network ({reason})"
    if not torch.allclose(logits, expected, rtol=1e-4, atol=1e-5):
        return "computes different logits for this network"
    return None
