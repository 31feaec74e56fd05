"""Which folders this suite made: only in those does it replace or remove files."""

import os
from pathlib import Path

from cdfis_bench.core.errors import UserError, require

MARKER_FILE = ".cdfis_bench"
_TEXT = "This folder was made by cdfis_bench, which replaces and removes files in it.\n"


def take_ownership(folder: Path, *earlier: str) -> None:
    """Creates a folder and marks it as made by this suite, or refuses one that is not.

    Args:
        folder: Created with its parents if it does not exist.
        *earlier: Names of files that mark a folder of a version without markers, such as run.json.

    Raises:
        UserError: If the folder is a symbolic link, or holds files but no marker.
        OSError: If it cannot be written.
    """
    require_no_links(folder, ".lock", MARKER_FILE)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / MARKER_FILE).is_file():
        return
    found = {path.name for path in folder.iterdir()}
    # Two processes may mark the same empty folder.
    require(
        not found or MARKER_FILE in found or any(name in found for name in earlier),
        f"the folder {folder} holds files that cdfis_bench did not write ({min(found, default='')} "
        "for one); move it away, or choose another name or results_dir",
    )
    try:
        marker = os.open(folder / MARKER_FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return
    with open(marker, "w") as file:
        file.write(_TEXT)


def require_ours(folder: Path, *earlier: str) -> None:
    """Raises UserError unless this suite made the folder; before anything in it is removed.

    Args:
        folder: A folder that exists.
        *earlier: As for `take_ownership`.
    """
    require_no_links(folder)
    require(
        any((folder / name).is_file() for name in (MARKER_FILE, *earlier)),
        f"the folder {folder} was not made by cdfis_bench, so nothing in it is removed; choose "
        "another name or results_dir",
    )


def require_no_links(folder: Path, *names: str) -> None:
    """Raises UserError if a folder, or one of the named files in it, is a symbolic link."""
    for path in (folder, *(folder / name for name in names)):
        if path.is_symlink():
            raise UserError(f"{path} is a symbolic link, which is not followed; remove it")
