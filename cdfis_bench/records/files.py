"""Files that are written completely or not at all, and read only if they are plain files."""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

# Not following links and not waiting for pipes are refused by no system, but unknown to some.
_READ_ONLY = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
_BLOCK_BYTES = 1 << 20
MAX_BYTES = 64 << 30  # of a file that is read; a sparse file may claim any size


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a temporary file beside `path`, then moves it to `path`.

    Readers, and whoever comes after a crash, see the old file or the new one, never a part: the
    file is on the disk itself before it gets its name. A draft that lies there already is replaced,
    not written to: it may be a link to another file.

    Args:
        path: The file to create or replace.
        write: Called with the path of the temporary file, which exists and is empty.

    Raises:
        OSError: If the file cannot be written. Its draft is removed, to free a full disk.
    """
    draft = path.with_name(path.name + ".tmp")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        write(draft)
        sync_file(draft)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path` as `write_atomically` does."""
    write_atomically(path, lambda draft: draft.write_text(text))


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Writes `values` to `path` as `write_atomically` does."""
    write_text(path, json.dumps(values, indent=1) + "\n")


def sync_folder(folder: Path) -> None:
    """Writes the names in a folder to the disk itself, where the system can."""
    if os.name == "posix":
        sync_file(folder)


@contextmanager
def open_plain(path: Path, max_bytes: int = MAX_BYTES) -> Iterator[BinaryIO]:
    """Opens a file for reading if it is a plain file of at most `max_bytes`.

    Args:
        path: The file. A symbolic link is not followed, so that a folder that somebody sent cannot
            show what lies elsewhere; a pipe is not waited for.
        max_bytes: Largest size that is allowed.

    Yields:
        The file.

    Raises:
        OSError: If it is something else, larger, missing, or unreadable.
    """
    if path.is_symlink():
        raise OSError(0, "it is a symbolic link")
    with open(os.open(path, _READ_ONLY), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(0, "it is no plain file")
        if about.st_size > max_bytes:
            raise OSError(0, f"it has more than {max_bytes} bytes")
        yield file


def read_plain(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The contents of a file, opened as `open_plain` does."""
    with open_plain(path, max_bytes) as file:
        return file.read()


def file_sha256(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """The SHA-256 of a file's contents, opened as `open_plain` does."""
    digest = hashlib.sha256()
    with open_plain(path, max_bytes) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def sync_file(path: Path) -> None:
    """Writes a file, or the names in a folder, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
