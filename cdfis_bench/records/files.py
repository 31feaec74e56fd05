"""Files that are either written completely or not at all."""

import json
import os
from pathlib import Path
from typing import Any


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Writes `values` in one atomic step: after a crash the file is the old or the new one."""
    draft = path.with_name(path.name + ".tmp")
    with draft.open("w") as file:
        json.dump(values, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
