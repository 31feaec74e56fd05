"""The provenance of a run: versions, commit and hardware."""

import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cdfis_bench.version import __version__


def provenance(
    device: torch.device, launcher: str, concurrent_runs: int | None, seeds_at_once: int = 1
) -> dict[str, Any]:
    """Versions, commit and hardware of this process. Contains no host or user name.

    Args:
        device: The device that the run is computed on.
        launcher: Hydra launcher that started the run, or "none".
        concurrent_runs: Number of runs that the sweep computes at a time; None if unknown.
        seeds_at_once: Number of seeds that were trained as one network and share its time.

    Returns:
        Values of the RunRecord fields `versions`, `commit`, `dirty`, `launcher` and `hardware`.
    """
    return {
        "versions": {
            "cdfis_bench": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "cuda": torch.version.cuda if device.type == "cuda" else None,
        },
        **_commit(),
        "launcher": launcher,
        "hardware": {
            "device": device.type,
            "device_name": _device_name(device),
            "cpu_threads": torch.get_num_threads(),
            "concurrent_runs": concurrent_runs,  # concurrent runs slow each other down
            "seeds_at_once": seeds_at_once,
        },
    }


def merged_hardware(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The hardware of a run that was resumed. A value that changed reads "1, then 2".

    Such a value equals no other hardware, so the run's seconds are never compared with others.
    """
    return {
        key: before.get(key) if before.get(key) == value else f"{before.get(key)}, then {value}"
        for key, value in after.items()
    }


def _commit() -> dict[str, Any]:
    """The git commit of the checkout and whether it has changes; None outside a checkout."""
    here = Path(__file__).parents[2]
    if not (here / ".git").exists():
        return {"commit": None, "dirty": None}
    try:
        commit = _git(here, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(here, "status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    ).stdout.strip()


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
