"""Claiming run folders, so that no two processes compute the same run."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.stored_run import StoredRun, read_run


def claim_order(folders: Iterable[Path]) -> list[Path]:
    """The order in which a process that needs several folders must claim them, without repeats.

    Every process follows the same order, so that two processes never wait for each other.
    """
    return sorted(set(folders), key=lambda folder: (folder.name, str(folder)))


@contextmanager
def claim(folder: Path) -> Iterator[StoredRun | None]:
    """Reserves a run folder for this process until the context ends.

    Waits while another process holds the folder. The lock is released when its process dies, so a
    killed run blocks nobody. To claim several folders, go through them in `claim_order`.

    Args:
        folder: The run folder; created if it does not exist.

    Yields:
        The run in the folder if it is done, otherwise None: it has to be computed.

    Raises:
        UserError: If the folder cannot be written, or holds a damaged run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"{folder.name}: another process computes this run; waiting for it", flush=True)
            lock.acquire()
    except OSError as error:
        raise UserError(
            f"results_dir: {folder} cannot be written ({error.strerror or error}); choose another"
        ) from error
    try:
        stored = read_run(folder)
        if stored is not None and stored.done:
            stored.check()
            yield stored
        else:
            yield None
    finally:
        lock.release()
