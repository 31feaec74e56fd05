"""Files that are either whole or not there."""

import json
import os
from pathlib import Path
from typing import Any


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Writes `values` in one atomic step: a reader or a crash sees the old file or the new."""
    draft = path.with_name(path.name + ".tmp")
    with draft.open("w") as file:
        json.dump(values, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
