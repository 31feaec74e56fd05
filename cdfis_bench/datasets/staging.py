"""Rows from the host's memory to an accelerator."""

import torch
from torch import Tensor

SHARE = 0.5  # of a GPU's free memory that a training set may take: the rest is for training


def on_device_if_it_fits(rows: Tensor, device: torch.device) -> Tensor:
    """`rows` [n, ...] on the GPU if they take at most half of its free memory, else where they are.

    From the GPU's own memory a mini-batch is gathered hundreds of times faster than it is sent.
    """
    if device.type != "cuda":
        return rows
    free, _ = torch.cuda.mem_get_info(device)
    return rows.to(device) if rows.nbytes <= SHARE * free else rows


class Staging:
    """Gathers rows of a tensor in host memory and sends them, without making the host wait.

    On CUDA through two page-locked buffers by turns: while the GPU still reads one, and computes,
    the next mini-batch is gathered into the other. On other devices a plain copy.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._buffers: list[Tensor | None] = [None, None]
        self._sent: list[torch.cuda.Event | None] = [None, None]
        self._turn = 0

    def send(self, rows: Tensor, index: Tensor) -> Tensor:
        """rows [n, *D] at `index` [K] int64, both on the host; [K, *D] on the device.

        On a CPU the result is overwritten by the call after the next.
        """
        self._turn = 1 - self._turn
        sent = self._sent[self._turn]
        if sent is not None:
            sent.synchronize()  # long past: it went out two mini-batches ago
        buffer = self._buffer((index.shape[0], *rows.shape[1:]), rows.dtype)
        torch.index_select(rows, 0, index, out=buffer)
        if self._device.type != "cuda":
            return buffer.to(self._device)
        on_device = buffer.to(self._device, non_blocking=True)
        self._sent[self._turn] = event = torch.cuda.Event()
        event.record()
        return on_device

    def _buffer(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Memory that is used again: new memory would be touched page by page, at four times the
        time of the copy.
        """
        buffer = self._buffers[self._turn]
        if buffer is None or buffer.shape != shape:
            pinned = self._device.type == "cuda"
            buffer = torch.empty(shape, dtype=dtype, pin_memory=pinned)
            self._buffers[self._turn] = buffer
        return buffer
