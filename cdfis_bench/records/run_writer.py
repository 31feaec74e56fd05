"""Writing a run folder: until its status is "done", the run will be computed again."""

import errno
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.printable import one_line
from cdfis_bench.core.summary import Summary
from cdfis_bench.records.arrays import write_arrays
from cdfis_bench.records.checksums import sealed
from cdfis_bench.records.files import (
    file_sha256,
    read_plain,
    sync_file,
    write_atomically,
    write_text,
)
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.saved_state import read_state, unusable, write_state
from cdfis_bench.records.stored_run import (
    ARRAYS_FILE,
    CURVE_FILE,
    MAX_CURVE_BYTES,
    RUN_FILE,
    STATE_FILE,
    StoredRun,
    read_run,
)

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class RunWriter:
    """A Recorder that writes to disk.

    Rows are flushed one by one; the arrays and the status "done" are written last. If the process
    dies, the status stays "running": the next one resumes from the last saved state, or starts the
    run again if none was saved. Made by `begin` or `resume`. Whatever cannot be written raises
    UserError.

    Attributes:
        folder: The run folder.
        record: The current contents of run.json.
    """

    def __init__(
        self,
        folder: Path,
        record: RunRecord,
        curve: bytes = b"",
        arrays: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.folder = folder
        self.record = record
        self._rows = curve.count(b"\n")
        # Of what was meant to be written, so that a disk that stores something else is found out.
        self._curve_digest = hashlib.sha256(curve)
        self._arrays = dict(arrays or {})

    @classmethod
    def begin(cls, folder: Path, record: RunRecord) -> "RunWriter":
        """Starts a run from the beginning and deletes the files of an earlier, unfinished attempt.

        Args:
            folder: The run folder, which exists and is claimed by this process.
            record: What is known of the run now; the start time is added.

        Returns:
            The writer. run.json has the status "running".
        """
        with _writing(folder):
            for name in (CURVE_FILE, ARRAYS_FILE, STATE_FILE):
                (folder / name).unlink(missing_ok=True)
        writer = cls(folder, record)
        writer.note(status="running", started=_now())
        return writer

    @classmethod
    def resume(cls, folder: Path, record: RunRecord | None = None) -> "Resumed | None":
        """Continues an interrupted or failed run. Rows newer than its state are deleted.

        Args:
            folder: The run folder, claimed by this process.
            record: What is known of the run now, in case that its run.json is lost.

        Returns:
            The writer, the state and the rows so far; None if no state was saved.

        Raises:
            UserError: If there is a state that cannot be used. Nothing is changed.
        """
        path = folder / STATE_FILE
        stored = read_run(folder)
        known = record if stored is None else stored.record
        if known is None or known.status == "done" or not has_state(folder):
            return None
        saved = read_state(path, known.id, ("state", "rows", "curve", "arrays"))
        try:
            lines = read_plain(folder / CURVE_FILE, MAX_CURVE_BYTES).splitlines(keepends=True)
            curve = b"".join(lines[: saved["rows"]])
            found = hashlib.sha256(curve).hexdigest()
            require(found == saved["curve"], f"{CURVE_FILE} has lost rows or was changed")
            rows = [json.loads(line) for line in curve.splitlines()]
        except (OSError, ValueError, TypeError, UserError) as error:
            raise unusable(path, error) from error
        with _writing(folder):
            write_atomically(folder / CURVE_FILE, lambda draft: draft.write_bytes(curve))
        writer = cls(folder, known, curve, saved["arrays"])
        writer.note(
            status="running",
            ended=None,
            curve_rows=None,
            error=None,
            traceback=None,
            resumed=[*known.resumed, {"at": _now(), "row": len(rows)}],
        )
        return Resumed(writer, saved["state"], rows)

    @classmethod
    def refuse(cls, folder: Path, record: RunRecord, error: str, traceback: str) -> None:
        """Records why a run could not be started. Its earlier state and rows are kept.

        Args:
            folder: The run folder, claimed by this process.
            record: What is known of the run now.
            error: Why, in one sentence.
            traceback: Traceback of the error.
        """
        stored = read_run(folder) if has_state(folder) else None
        cls(folder, record if stored is None else stored.record).note(
            status="failed", ended=_now(), error=error, traceback=traceback
        )

    def note(self, **changes: Any) -> None:
        """Changes fields of the record and rewrites run.json."""
        record = self.record.but(**changes)
        with _writing(self.folder):
            write_text(self.folder / RUN_FILE, sealed(record.to_json()))
        self.record = record

    def row(self, table: str, **values: float | int | bool | None) -> None:
        """Appends a row to curve.jsonl; `table` must be "curve"."""
        assert table == "curve", table
        line = json.dumps(values).encode() + b"\n"
        with _writing(self.folder), (self.folder / CURVE_FILE).open("ab") as file:
            file.write(line)
        self._curve_digest.update(line)
        self._rows += 1

    def array(self, name: str, values: Tensor) -> None:
        """Keeps an array, which `finish` writes to arrays.h5."""
        self._arrays[name] = values.detach().cpu()

    def save_state(self, state: dict[str, Any]) -> None:
        """Saves a state of tensors and plain values to resume from, in one atomic step."""
        saved = {
            "run": self.record.id,
            "state": state,
            "rows": self._rows,
            "curve": self._curve_digest.hexdigest(),
            "arrays": self._arrays,
        }
        with _writing(self.folder):
            if self._rows:
                sync_file(self.folder / CURVE_FILE)
            write_state(self.folder / STATE_FILE, saved)

    def finish(self, summary: Summary) -> StoredRun:
        """Writes the arrays, then the status "done", and returns the stored run."""
        curve, path = self.folder / CURVE_FILE, self.folder / ARRAYS_FILE
        arrays = {name: values.numpy() for name, values in self._arrays.items()}
        with _writing(self.folder):
            curve.touch()
            sync_file(curve)
            write_atomically(path, lambda draft: write_arrays(draft, arrays))
            checksums = {
                CURVE_FILE: self._curve_digest.hexdigest(),
                ARRAYS_FILE: file_sha256(path),
            }
        self.note(
            status="done",
            ended=_now(),
            curve_rows=self._rows,
            summary=summary,
            checksums=checksums,
        )
        (self.folder / STATE_FILE).unlink(missing_ok=True)
        return StoredRun(self.folder, self.record)

    def fail(self, error: str, traceback: str) -> None:
        """Records why the run failed. The next command that needs it resumes or repeats it."""
        self.note(
            status="failed", ended=_now(), curve_rows=self._rows, error=error, traceback=traceback
        )


class Resumed(NamedTuple):
    """An interrupted run that goes on: its writer, its last state, its rows of the curve so far."""

    writer: RunWriter
    state: dict[str, Any]
    rows: list[dict[str, Any]]


def has_state(folder: Path) -> bool:
    """Whether the run in a folder left a state to go on from."""
    return (folder / STATE_FILE).exists() or (folder / STATE_FILE).is_symlink()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Says in one sentence what could not be written."""
    try:
        yield
    except OSError as error:
        reason = one_line(error.strerror or str(error))
        remedy = (
            "free some space" if error.errno in _FULL else "check the disk or change results_dir"
        )
        raise UserError(
            f"the run folder {folder} cannot be written ({reason}); {remedy}, then give the "
            "command again"
        ) from error


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
