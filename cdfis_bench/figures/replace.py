"""Files that are either whole or not there."""

import os
from collections.abc import Callable
from pathlib import Path


def replace(path: Path, write: Callable[[Path], None]) -> None:
    """write(draft), then the draft takes the place of `path`: a reader sees the old or the new."""
    draft = path.with_name(path.name + ".tmp")
    write(draft)
    os.replace(draft, path)
