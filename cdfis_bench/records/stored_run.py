"""Reading a run folder. Analysis, figures and resuming see a run's files only through this."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.printable import one_line
from cdfis_bench.core.summary import Summary
from cdfis_bench.records import arrays
from cdfis_bench.records.checksums import is_intact, sha256
from cdfis_bench.records.files import file_sha256, read_plain
from cdfis_bench.records.ownership import require_no_links
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.schema import CURVE_COLUMNS, SCHEMA_VERSION

RUN_FILE, CURVE_FILE, ARRAYS_FILE = "run.json", "curve.jsonl", "arrays.h5"
STATE_FILE = "state.pt"  # only while the run is unfinished
# Runs of earlier results versions have no checksums; theirs cannot be checked.
CHECKSUMS_SINCE = 2  # results version
MAX_RECORD_BYTES, MAX_CURVE_BYTES = 64 << 20, 1 << 30


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

    @property
    def validation_fraction(self) -> float:
        """Fraction of the training set that was held out as validation set; 0 without one."""
        dataset = self.record.config.get("dataset")
        found = dataset.get("validation_fraction") if isinstance(dataset, dict) else None
        return found or 0

    def rows(self) -> list[dict[str, Any]]:
        """The rows of curve.jsonl. Raises UserError if it is missing or damaged."""
        try:
            data = read_plain(self.folder / CURVE_FILE, MAX_CURVE_BYTES)
            self._compare(CURVE_FILE, sha256(data))
            # One document instead of one per line: a thousand runs are read in half the time.
            rows = json.loads(b"[%b]" % b",".join(data.splitlines()))
        except OSError as error:
            raise _unreadable(self.folder, CURVE_FILE, error) from error
        except (ValueError, RecursionError) as error:
            raise _damaged(self.folder, f"{CURVE_FILE} cannot be read ({error})") from error
        expected = self.record.curve_rows
        if len(rows) != expected:
            raise _damaged(self.folder, f"{CURVE_FILE} has {len(rows)} rows instead of {expected}")
        if not all(isinstance(row, dict) for row in rows):
            raise _damaged(self.folder, f"{CURVE_FILE} has rows that are no JSON objects")
        return rows

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """The curve by column: float64 [rows] each, null as NaN. Raises as `rows` does."""
        rows = self.rows()
        try:
            return {
                name: np.array([row.get(name) for row in rows], dtype=np.float64)
                for name in CURVE_COLUMNS
            }
        except (ValueError, TypeError, OverflowError) as error:
            raise _damaged(self.folder, f"{CURVE_FILE} has values that are no numbers") from error

    def array(self, name: str) -> np.ndarray:
        """The array of arrays.h5 that was recorded as `name`. Raises UserError if it is missing."""
        self._check_arrays()
        try:
            return arrays.read_array(self.folder / ARRAYS_FILE, name)
        except arrays.ERRORS as error:
            raise _damaged(
                self.folder, f"{ARRAYS_FILE}: {name} cannot be read ({error})"
            ) from error

    def array_names(self, group: str) -> list[str]:
        """Names below `group` in arrays.h5, sorted; empty if there is no such group."""
        self._check_arrays()
        try:
            return arrays.array_names(self.folder / ARRAYS_FILE, group)
        except arrays.ERRORS as error:
            raise _damaged(self.folder, f"{ARRAYS_FILE} cannot be read ({error})") from error

    def check(self) -> None:
        """Raises UserError if a file of a run that is done is missing or damaged."""
        _ = self.columns
        self.array_names("/")

    def _check_arrays(self) -> None:
        """Compares the file with its checksum, once: it may be large."""
        if self.__dict__.get("_arrays_checked"):
            return
        try:
            self._compare(ARRAYS_FILE, file_sha256(self.folder / ARRAYS_FILE))
        except OSError as error:
            raise _unreadable(self.folder, ARRAYS_FILE, error) from error
        self.__dict__["_arrays_checked"] = True

    def _compare(self, name: str, found: str) -> None:
        recorded = self.record.checksums.get(name)
        if recorded is None and not _has_checksums(self.record):
            return
        if recorded != found:
            raise _damaged(self.folder, f"{name} is not what was written (its checksum differs)")


def read_run(folder: Path) -> StoredRun | None:
    """Reads run.json.

    Args:
        folder: A run folder, which need not exist.

    Returns:
        The run, or None if none was started in this folder.

    Raises:
        UserError: If run.json is damaged, unreadable or was written in another format, or if the
            folder is a symbolic link. Nothing is deleted: it may still be a result.
    """
    require_no_links(folder)
    try:
        data = read_plain(folder / RUN_FILE, MAX_RECORD_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(folder, RUN_FILE, error) from error
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, f"{RUN_FILE} is not valid JSON ({error})") from error
    version = values.get("schema_version") if isinstance(values, dict) else None
    require(
        version is None or version == SCHEMA_VERSION,
        f"{folder} was written in format {one_line(str(version))}, this version reads "
        f"{SCHEMA_VERSION}; use another results_dir",
    )
    try:
        record = RunRecord.from_json(values)
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, f"{RUN_FILE}: {error}") from error
    if "checksum" in values:
        if not is_intact(data):
            raise _damaged(folder, f"{RUN_FILE} is not what was written (its checksum differs)")
    elif _has_checksums(record):
        raise _damaged(folder, f"{RUN_FILE} has no checksum")
    return StoredRun(folder, record)


def _has_checksums(record: RunRecord) -> bool:
    """Whether the run is of a version that always writes checksums."""
    version = record.config.get("results_version")
    return bool(record.checksums) or (isinstance(version, int) and version >= CHECKSUMS_SINCE)


def _damaged(folder: Path, reason: str) -> UserError:
    return UserError(
        f"the run folder {folder} is damaged: {one_line(reason)}; delete it, or add force=true, to "
        "compute the run again"
    )


def _unreadable(folder: Path, name: str, error: OSError) -> UserError:
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError):
        return UserError(f"{folder / name} cannot be read ({reason}); change its permissions")
    return _damaged(folder, f"{name} cannot be read ({reason})")
