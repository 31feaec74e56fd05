"""Computing a stored run again (force=true): the old result is kept until the new one is done.

The new run is written to a folder inside the old one's. Once it is done its files are moved into
place, run.json last. A process that dies in between leaves the rest to the next one.
"""

import os
from contextlib import suppress
from pathlib import Path

from cdfis_bench.records.files import sync_folder
from cdfis_bench.records.ownership import MARKER_FILE, require_no_links, take_ownership
from cdfis_bench.records.stored_run import RUN_FILE, STATE_FILE, StoredRun, read_run

_NEXT = "next"


def make_replacement(folder: Path) -> Path:
    """The folder to compute the run in `folder` anew in; it has the same name.

    Args:
        folder: The run folder, claimed by this process.

    Returns:
        The folder, which may hold an unfinished attempt.

    Raises:
        UserError: If there are files that this suite did not write.
        OSError: If it cannot be made.
    """
    new = replacement_of(folder)
    take_ownership(new.parent)
    take_ownership(new, RUN_FILE)
    return new


def install_replacement(folder: Path) -> StoredRun | None:
    """Moves a finished replacement, if there is one, to where the old run was.

    Args:
        folder: The run folder, claimed by this process.

    Returns:
        The new run in `folder`; None if there was none to install.

    Raises:
        UserError: If the replacement cannot be read, or is a symbolic link.
        OSError: If its files cannot be moved.
    """
    new = replacement_of(folder)
    require_no_links(new.parent, new.name)
    run = read_run(new)
    if run is None or not run.done:
        return None
    (folder / STATE_FILE).unlink(missing_ok=True)
    files = {path.name for path in new.iterdir() if path.is_file() and not path.is_symlink()}
    for name in [*sorted(files - {RUN_FILE, MARKER_FILE}), RUN_FILE]:
        os.replace(new / name, folder / name)
    sync_folder(folder)
    for used in (new, new.parent):
        with suppress(OSError):  # a file of somebody else stays, and so does the folder
            (used / MARKER_FILE).unlink(missing_ok=True)
            used.rmdir()
    return StoredRun(folder, run.record)


def replacement_of(folder: Path) -> Path:
    """Where the run in `folder` is computed anew; it need not exist."""
    return folder / _NEXT / folder.name
