"""Starting a module of this folder in a process of its own."""

import os
import sys
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[1]


def started(module: str, *arguments: object, **environment: str) -> dict[str, Any]:
    """What subprocess.run or Popen takes to start it: args, cwd, env."""
    return {
        "args": [sys.executable, "-m", f"benchmark.{module}", *map(str, arguments)],
        "cwd": SCRIPTS,
        "env": {
            **os.environ,
            "PYTHONPATH": f"{SCRIPTS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            **environment,
        },
    }
