"""Reading a run folder. Analysis, figures and resuming see a run's files only through this."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.summary import Summary
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.schema import CURVE_COLUMNS, SCHEMA_VERSION

RUN_FILE, CURVE_FILE, ARRAYS_FILE = "run.json", "curve.jsonl", "arrays.h5"
STATE_FILE = "state.pt"  # only while the run is unfinished


@dataclass(frozen=True)
class StoredRun:
    """A run folder on disk.

    Attributes:
        folder: The run folder.
        record: The contents of its run.json.
    """

    folder: Path
    record: RunRecord

    @property
    def name(self) -> str:
        """Name of the run folder."""
        return self.folder.name

    @property
    def done(self) -> bool:
        """Whether the run has finished and all of its files were written."""
        return self.record.status == "done"

    @property
    def summary(self) -> Summary:
        """Final numbers of a run that is done."""
        assert self.record.summary is not None, f"{self.name} is not done"
        return self.record.summary

    @property
    def kept_fraction(self) -> float:
        """Fraction of the training set that the run was trained on (dataset pruning)."""
        return self.record.config.get("keep", {}).get("fraction", 1)  # early runs have no `keep`

    def rows(self) -> list[dict[str, Any]]:
        """The rows of curve.jsonl. Raises UserError if it is missing, torn or short of rows."""
        path = self.folder / CURVE_FILE
        try:
            # One document instead of one per line: a thousand runs are read in half the time.
            rows = json.loads(f"[{','.join(path.read_text().splitlines())}]")
        except (OSError, ValueError) as error:
            raise _damaged(self.folder, f"{CURVE_FILE} cannot be read ({error})") from error
        expected = self.record.curve_rows
        if len(rows) != expected:
            raise _damaged(self.folder, f"{CURVE_FILE} has {len(rows)} rows instead of {expected}")
        return rows

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """The curve by column: float64 [rows] each, null as NaN. Raises as `rows` does."""
        rows = self.rows()
        return {
            name: np.array([row.get(name) for row in rows], dtype=np.float64)
            for name in CURVE_COLUMNS
        }

    def array(self, name: str) -> np.ndarray:
        """The array of arrays.h5 that was recorded as `name`. Raises UserError if it is missing."""
        try:
            with h5py.File(self.folder / ARRAYS_FILE) as file:
                values = file[name]
                if not isinstance(values, h5py.Dataset):
                    raise KeyError(f"{name} is not an array")
                return values[()]
        except (OSError, KeyError) as error:
            raise _damaged(
                self.folder, f"{ARRAYS_FILE}: {name} cannot be read ({error})"
            ) from error

    def array_names(self, group: str) -> list[str]:
        """Names below `group` in arrays.h5, sorted; empty if there is no such group."""
        try:
            with h5py.File(self.folder / ARRAYS_FILE) as file:
                found = file.get(group)
                return sorted(found) if isinstance(found, h5py.Group) else []
        except OSError as error:
            raise _damaged(self.folder, f"{ARRAYS_FILE} cannot be read ({error})") from error

    def check(self) -> None:
        """Raises UserError if a file of a run that is done is missing or damaged."""
        _ = self.columns
        self.array_names("/")


def read_run(folder: Path) -> StoredRun | None:
    """Reads run.json.

    Args:
        folder: A run folder, which need not exist.

    Returns:
        The run, or None if none was started in this folder.

    Raises:
        UserError: If run.json is damaged or was written in another format. Nothing is deleted: it
            may still be a result.
    """
    try:
        text = (folder / RUN_FILE).read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _damaged(folder, f"{RUN_FILE} cannot be read ({error.strerror})") from error
    try:
        values = json.loads(text)
    except ValueError as error:
        raise _damaged(folder, f"{RUN_FILE} is not valid JSON ({error})") from error
    version = values.get("schema_version") if isinstance(values, dict) else None
    require(
        version is None or version == SCHEMA_VERSION,
        f"{folder} was written in format {version}, this version reads {SCHEMA_VERSION}; use "
        "another results_dir",
    )
    try:
        return StoredRun(folder, RunRecord.from_json(values))
    except ValueError as error:
        raise _damaged(folder, f"{RUN_FILE}: {error}") from error


def _damaged(folder: Path, reason: str) -> UserError:
    return UserError(
        f"the run folder {folder} is damaged: {reason}; delete it to compute the run again"
    )
