"""Files that are written completely or not at all."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a temporary file beside `path`, then moves it to `path`.

    Readers, and whoever comes after a crash, see the old file or the new one, never a part.

    Args:
        path: The file to create or replace.
        write: Called with the path of the temporary file.
    """
    draft = path.with_name(path.name + ".tmp")
    write(draft)
    os.replace(draft, path)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Writes `values` to `path` atomically, and to the disk itself before it returns."""

    def write(draft: Path) -> None:
        with draft.open("w") as file:
            json.dump(values, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())

    write_atomically(path, write)
