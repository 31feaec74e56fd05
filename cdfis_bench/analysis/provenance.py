"""What runs were computed from and on, in words for captions and tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from cdfis_bench.records.stored_run import StoredRun

T = TypeVar("T")


def data_text(runs: Sequence[StoredRun]) -> str:
    """The titles of the data, each once; "unnamed data" for a run that recorded none."""
    return ", ".join(distinct(run.record.dataset or "unnamed data" for run in runs))


def hardware_text(runs: Sequence[StoredRun]) -> str:
    """The hardware that the runs were computed on, each kind once."""
    return " and ".join(distinct(_describe(_hardware(run)) for run in runs))


def same_hardware(runs: Sequence[StoredRun]) -> bool:
    """Whether the runs' times may be compared: same device, threads, and runs at a time."""
    return all(_hardware(run) == _hardware(runs[0]) for run in runs)


def distinct(values: Iterable[T]) -> list[T]:
    """The different values in order of appearance. They need not be hashable."""
    found: list[T] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _hardware(run: StoredRun) -> dict[str, Any]:
    """Older runs did not record these two: they were computed one at a time."""
    return {"concurrent_runs": 1, "seeds_at_once": 1, **run.record.hardware}


def _describe(hardware: Mapping[str, Any]) -> str:
    """Device, its name, the threads of a CPU (they decide its speed), and runs at a time."""
    parts = [f"{hardware['device']} {hardware['device_name']}"]
    if hardware["device"] == "cpu":
        threads = hardware["cpu_threads"]
        parts.append(f"{threads} thread{'' if threads == 1 else 's'}")
    if hardware["concurrent_runs"] != 1:
        parts.append(f"{hardware['concurrent_runs'] or 'an unknown number of'} runs at a time")
    if hardware["seeds_at_once"] != 1:
        parts.append(f"{hardware['seeds_at_once']} seeds trained at once")
    return ", ".join(parts)
