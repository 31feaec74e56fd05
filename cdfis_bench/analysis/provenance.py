"""What runs were computed from and on, in words for captions and tables."""

from collections.abc import Sequence
from typing import Any

from cdfis_bench.records.stored_run import StoredRun


def data_text(runs: Sequence[StoredRun]) -> str:
    """The titles of the data, each once. A run that names none says so."""
    return ", ".join(_distinct(run.record.dataset or "unnamed data" for run in runs))


def _hardware(run: StoredRun) -> dict[str, Any]:
    """Older runs were computed one at a time and do not say so."""
    return {"concurrent_runs": 1, "seeds_at_once": 1, **run.record.hardware}


def hardware_text(runs: Sequence[StoredRun]) -> str:
    """Every hardware that the runs were computed on, each once."""
    return " and ".join(_distinct(_describe(_hardware(run)) for run in runs))


def same_hardware(runs: Sequence[StoredRun]) -> bool:
    """Whether the seconds of the runs can be compared."""
    return all(_hardware(run) == _hardware(runs[0]) for run in runs)


def _describe(hardware: dict[str, Any]) -> str:
    """Device and name; threads too on a CPU, where they decide the speed; runs at a time."""
    parts = [f"{hardware['device']} {hardware['device_name']}"]
    if hardware["device"] == "cpu":
        threads = hardware["cpu_threads"]
        parts.append(f"{threads} thread{'' if threads == 1 else 's'}")
    if hardware["concurrent_runs"] != 1:
        parts.append(f"{hardware['concurrent_runs'] or 'an unknown number of'} runs at a time")
    if hardware["seeds_at_once"] != 1:
        parts.append(f"{hardware['seeds_at_once']} seeds trained at once")
    return ", ".join(parts)


def _distinct(values: Any) -> list[str]:
    return list(dict.fromkeys(values))
