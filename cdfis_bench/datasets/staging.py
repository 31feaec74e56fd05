"""Moves rows from the host's memory to an accelerator."""

import torch
from torch import Tensor

SHARE = 0.5  # of a GPU's free memory that a training set may take; the rest is for training


def on_device_if_it_fits(rows: Tensor, device: torch.device) -> Tensor:
    """Moves `rows` [n, ...] to a GPU if they take at most half of its free memory.

    Gathering a mini-batch in the GPU's memory is hundreds of times faster than sending it there.

    Args:
        rows: In host memory.
        device: The device of the run.

    Returns:
        The rows on the GPU, or the given tensor.
    """
    if device.type != "cuda":
        return rows
    free, _ = torch.cuda.mem_get_info(device)
    return rows.to(device) if rows.nbytes <= SHARE * free else rows


class Staging:
    """Gathers rows of a tensor in host memory and sends them without blocking the host.

    On CUDA two page-locked buffers take turns: while the GPU still reads one and computes, the next
    mini-batch is gathered into the other. On other devices it is a plain copy.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._buffers: list[Tensor | None] = [None, None]
        self._sent: list[torch.cuda.Event | None] = [None, None]
        self._turn = 0

    def send(self, rows: Tensor, index: Tensor) -> Tensor:
        """Gathers rows and sends them to the device.

        Args:
            rows: [n, *D], on the host.
            index: int64 [K], on the host.

        Returns:
            [K, *D] on the device. On a CPU it is overwritten two calls later.
        """
        self._turn = 1 - self._turn
        sent = self._sent[self._turn]
        if sent is not None:
            sent.synchronize()  # has long finished: it was sent two mini-batches ago
        buffer = self._buffer((index.shape[0], *rows.shape[1:]), rows.dtype)
        torch.index_select(rows, 0, index, out=buffer)
        if self._device.type != "cuda":
            return buffer.to(self._device)
        on_device = buffer.to(self._device, non_blocking=True)
        self._sent[self._turn] = event = torch.cuda.Event()
        event.record()
        return on_device

    def _buffer(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """The buffer whose turn it is.

        It is reused: touching new memory page by page would take four times as long as the copy.
        """
        buffer = self._buffers[self._turn]
        if buffer is None or buffer.shape != shape:
            pinned = self._device.type == "cuda"
            buffer = torch.empty(shape, dtype=dtype, pin_memory=pinned)
            self._buffers[self._turn] = buffer
        return buffer
