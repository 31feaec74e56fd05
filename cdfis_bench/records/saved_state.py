"""state.pt: what an unfinished run needs to go on, with a checksum behind it."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.printable import one_line
from cdfis_bench.records.files import read_plain, write_atomically

_MARK = b"\ncdfis_bench sha256 "
_END_BYTES = len(_MARK) + 64


def write_state(path: Path, saved: dict[str, Any]) -> None:
    """Writes tensors and plain values, replacing an earlier state in one step.

    Raises:
        OSError: If they cannot be written; an earlier state is kept.
    """
    # In memory first: on a full disk torch.save would keep its half-written file open, and full.
    buffer = io.BytesIO()
    torch.save(saved, buffer)
    content = buffer.getbuffer()
    end = _MARK + hashlib.sha256(content).hexdigest().encode()

    def write(draft: Path) -> None:
        with draft.open("wb") as file:
            file.write(content)
            file.write(end)

    write_atomically(path, write)


def read_state(path: Path, run: str, keys: tuple[str, ...]) -> dict[str, Any]:
    """Reads a state. Only tensors and plain values are read; a state cannot run code.

    Args:
        path: The file.
        run: The id of the run that it must belong to, as its value `run`.
        keys: Further values that it must have.

    Returns:
        The values.

    Raises:
        UserError: If the file is damaged, unreadable, or belongs to another run.
    """
    try:
        data = read_plain(path)
        content, end = memoryview(data)[:-_END_BYTES], data[-_END_BYTES:]
        if end != _MARK + hashlib.sha256(content).hexdigest().encode():
            raise ValueError("its checksum does not match")
        saved = torch.load(io.BytesIO(content), weights_only=True)
        if not isinstance(saved, dict) or any(key not in saved for key in ("run", *keys)):
            raise ValueError("values are missing")
        if saved["run"] != run:
            raise ValueError("it belongs to another run")
    except Exception as error:  # torch.load raises many types for a damaged file
        raise unusable(path, error) from error
    return saved


def unusable(path: Path, error: Exception) -> UserError:
    """The sentence for a state that a run cannot go on from."""
    return UserError(
        f"the run cannot be resumed from {path} ({type(error).__name__}: {one_line(str(error))}); "
        "nothing was changed; restore the file, or delete it to start the run again"
    )
