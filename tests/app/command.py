"""Running the command line as a user does: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    "dataset.train_size=2048",
    "dataset.test_size=256",
    "budget.steps=20",
    "eval_every=10",
    "tracker=none",
]


def environment() -> dict[str, str]:
    # The tests' folder may be elsewhere than an installed package: run the checkout's.
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def cdfis(folder: Path, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """`python -m cdfis_bench <arguments>` in `folder`, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cdfis_bench", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def runs(folder: Path) -> list[Path]:
    return sorted((folder / "results" / "runs").glob("*"))
