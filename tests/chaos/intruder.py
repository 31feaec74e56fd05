"""What a crafted record or state tries to call: leaves a file as evidence."""

import os
from pathlib import Path
from typing import Any

EVIDENCE = "CHAOS_EVIDENCE"  # environment variable: the file


def intrude(*args: Any, **kwargs: Any) -> str:
    Path(os.environ[EVIDENCE]).write_text("code was run")
    return "intruded"


class Pickled:
    """Calls `intrude` when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return intrude, ()
