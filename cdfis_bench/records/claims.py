"""Claiming run folders, so that no two processes compute the same run."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.ownership import take_ownership
from cdfis_bench.records.replacement import install_replacement
from cdfis_bench.records.stored_run import RUN_FILE, StoredRun, read_run


def claim_order(folders: Iterable[Path]) -> list[Path]:
    """The order in which a process that needs several folders must claim them, without repeats.

    Every process follows the same order, so that two processes never wait for each other.
    """
    return sorted(set(folders), key=lambda folder: (folder.name, str(folder)))


@contextmanager
def claim(folder: Path, again: bool = False) -> Iterator[StoredRun | None]:
    """Reserves a run folder for this process until the context ends.

    Waits while another process holds the folder. The lock is released when its process dies, so a
    killed run blocks nobody. To claim several folders, go through them in `claim_order`.

    Args:
        folder: The run folder; created if it does not exist.
        again: Whether the run is to be computed even if it is done or damaged.

    Yields:
        The run in the folder if it is done, otherwise None: it has to be computed.

    Raises:
        UserError: If the folder cannot be written, was not made by this suite, or holds a damaged
            run.
    """
    with _as_sentence(folder):
        take_ownership(folder, RUN_FILE)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"{folder.name}: another process computes this run; waiting for it", flush=True)
            lock.acquire()
    try:
        with _as_sentence(folder):
            install_replacement(folder)
        stored = None if again else read_run(folder)
        if stored is not None and stored.done:
            stored.check()
            yield stored
        else:
            yield None
    finally:
        lock.release()


@contextmanager
def _as_sentence(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"results_dir: {folder} cannot be written ({error.strerror or error}); choose another"
        ) from error
