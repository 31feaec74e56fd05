"""Writing a run folder: until its status is "done", the run will be computed again."""

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import torch
from torch import Tensor

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.summary import Summary
from cdfis_bench.records.files import write_json
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.stored_run import (
    ARRAYS_FILE,
    CURVE_FILE,
    RUN_FILE,
    STATE_FILE,
    StoredRun,
    read_run,
)


class RunWriter:
    """A Recorder that writes to disk.

    Rows are flushed one by one; the arrays and the status "done" are written last. If the process
    dies, the status stays "running": the next one resumes from the last saved state, or starts the
    run again if none was saved. Made by `begin` or `resume`.

    Attributes:
        folder: The run folder.
        record: The current contents of run.json.
    """

    def __init__(
        self,
        folder: Path,
        record: RunRecord,
        rows: int = 0,
        arrays: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.folder = folder
        self.record = record
        self._rows = rows
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
        for name in (CURVE_FILE, ARRAYS_FILE, STATE_FILE):
            (folder / name).unlink(missing_ok=True)
        writer = cls(folder, record)
        writer.note(status="running", started=_now())
        return writer

    @classmethod
    def resume(cls, folder: Path) -> "Resumed | None":
        """Continues an interrupted run. Rows and arrays newer than its state are deleted.

        Args:
            folder: The run folder, claimed by this process.

        Returns:
            The writer, the state and the rows so far; None if no state was saved.

        Raises:
            UserError: If there is a state that cannot be used.
        """
        path = folder / STATE_FILE
        stored = read_run(folder)
        if stored is None or stored.record.status != "running" or not path.exists():
            return None
        try:
            saved = torch.load(path, weights_only=True)
            lines = (folder / CURVE_FILE).read_text().splitlines()[: saved["rows"]]
            rows = [json.loads(line) for line in lines]
            require(len(rows) == saved["rows"], f"{CURVE_FILE} has lost rows")
        except Exception as error:  # torch.load raises many types for a damaged file
            raise UserError(
                f"the run cannot be resumed from {path} ({type(error).__name__}); delete it to "
                "start the run again"
            ) from error
        draft = folder / (CURVE_FILE + ".tmp")
        draft.write_text("".join(line + "\n" for line in lines))
        draft.replace(folder / CURVE_FILE)
        writer = cls(folder, stored.record, len(rows), saved["arrays"])
        writer.note(resumed=[*stored.record.resumed, {"at": _now(), "row": len(rows)}])
        return Resumed(writer, saved["state"], rows)

    def note(self, **changes: Any) -> None:
        """Changes fields of the record and rewrites run.json."""
        self.record = self.record.but(**changes)
        write_json(self.folder / RUN_FILE, self.record.to_json())

    def row(self, table: str, **values: float | int | bool | None) -> None:
        """Appends a row to curve.jsonl; `table` must be "curve"."""
        assert table == "curve", table
        with (self.folder / CURVE_FILE).open("a") as file:
            file.write(json.dumps(values) + "\n")
        self._rows += 1

    def array(self, name: str, values: Tensor) -> None:
        """Keeps an array, which `finish` writes to arrays.h5."""
        self._arrays[name] = values.detach().cpu()

    def save_state(self, state: dict[str, Any]) -> None:
        """Saves a state of tensors and plain values to resume from, in one atomic step."""
        path = self.folder / STATE_FILE
        draft = path.with_name(path.name + ".tmp")
        torch.save({"state": state, "rows": self._rows, "arrays": self._arrays}, draft)
        draft.replace(path)

    def finish(self, summary: Summary) -> StoredRun:
        """Writes the arrays, then the status "done", and returns the stored run."""
        path = self.folder / ARRAYS_FILE
        draft = path.with_name(path.name + ".tmp")
        with h5py.File(draft, "w") as file:
            for name, values in self._arrays.items():
                file.create_dataset(name, data=values.numpy())
        draft.replace(path)
        self.note(status="done", ended=_now(), curve_rows=self._rows, summary=summary)
        (self.folder / STATE_FILE).unlink(missing_ok=True)
        return StoredRun(self.folder, self.record)

    def fail(self, error: str, traceback: str) -> None:
        """Records why the run failed. The next command that needs the run computes it again."""
        self.note(
            status="failed", ended=_now(), curve_rows=self._rows, error=error, traceback=traceback
        )


class Resumed(NamedTuple):
    """An interrupted run that goes on: its writer, its last state, its rows of the curve so far."""

    writer: RunWriter
    state: dict[str, Any]
    rows: list[dict[str, Any]]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
