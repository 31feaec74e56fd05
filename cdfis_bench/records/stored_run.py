"""Reading a run back: the only door through which analysis and resume see the files."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.records.run_record import STATUSES, RunRecord
from cdfis_bench.records.schema import CURVE_COLUMNS, SCHEMA_VERSION

RUN_FILE, CURVE_FILE, ARRAYS_FILE = "run.json", "curve.jsonl", "arrays.h5"
STATE_FILE = "state.pt"  # of an unfinished run


@dataclass(frozen=True)
class StoredRun:
    """A run folder as it lies on disk. `record` is its run.json."""

    folder: Path
    record: RunRecord

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def done(self) -> bool:
        return self.record.status == "done"

    @property
    def kept_fraction(self) -> float:
        """Of the training set that it was trained on; 1 for runs from before one could choose."""
        return self.record.config.get("keep", {}).get("fraction", 1)

    def rows(self) -> list[dict[str, Any]]:
        """The rows of curve.jsonl. Raises UserError if it is missing, torn or short of rows."""
        path = self.folder / CURVE_FILE
        try:
            # One document instead of one per line: a thousand runs are read in half the time.
            rows = json.loads(f"[{','.join(path.read_text().splitlines())}]")
        except (OSError, ValueError) as error:
            raise _corrupt(self.folder, f"{CURVE_FILE} cannot be read ({error})") from error
        expected = self.record.curve_rows
        if len(rows) != expected:
            raise _corrupt(self.folder, f"{CURVE_FILE} has {len(rows)} rows instead of {expected}")
        return rows

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """The curve by column: float64 [rows] each, null as NaN. Read once. Raises as rows()."""
        rows = self.rows()
        return {
            name: np.array([row.get(name) for row in rows], dtype=np.float64)
            for name in CURVE_COLUMNS
        }

    def array(self, name: str) -> np.ndarray:
        """One array of arrays.h5, by its recorded name. Raises UserError if it is not there."""
        try:
            with h5py.File(self.folder / ARRAYS_FILE) as file:
                return file[name][()]
        except (OSError, KeyError) as error:
            raise _corrupt(
                self.folder, f"{ARRAYS_FILE}: {name} cannot be read ({error})"
            ) from error

    def array_names(self, group: str) -> list[str]:
        """Names below `group` in arrays.h5, sorted; empty if there is no such group."""
        try:
            with h5py.File(self.folder / ARRAYS_FILE) as file:
                return sorted(file[group]) if group in file else []
        except OSError as error:
            raise _corrupt(self.folder, f"{ARRAYS_FILE} cannot be read ({error})") from error

    def check(self) -> None:
        """Raises UserError unless a run that says it is done has all of its files, whole."""
        _ = self.columns
        self.array_names("/")


def read_run(folder: Path) -> StoredRun | None:
    """The run in `folder`, or None if none was begun there.

    Raises UserError if run.json is damaged or of another version: nothing is deleted that might be
    a result.
    """
    path = folder / RUN_FILE
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    try:
        record = RunRecord.from_json(json.loads(text))
    except (ValueError, TypeError) as error:
        raise _corrupt(folder, f"{RUN_FILE} is not a run's record ({error!r})") from error
    if record.status not in STATUSES:
        raise _corrupt(folder, f"{RUN_FILE} has the unknown status {record.status!r}")
    require(
        record.schema_version == SCHEMA_VERSION,
        f"{folder} was written in format {record.schema_version}, this version reads "
        f"{SCHEMA_VERSION}; use another results_dir",
    )
    return StoredRun(folder, record)


def _corrupt(folder: Path, reason: str) -> UserError:
    return UserError(
        f"the run folder {folder} is damaged: {reason}; delete it to compute the run again"
    )
