"""Writing a run: a folder that is either done, or will be done again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import h5py
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.records.files import write_json
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.schema import SCHEMA_VERSION
from cdfis_bench.records.stored_run import (
    ARRAYS_FILE,
    CURVE_FILE,
    RUN_FILE,
    STATE_FILE,
    StoredRun,
    read_run,
)


class RunFolder:
    """A Recorder that writes to disk. Rows are flushed one by one; arrays and the status `done`
    come last.

    A process that dies leaves status `running`. The next one to open the folder goes on from the
    state that was saved last, or starts the run afresh if none was.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record: RunRecord | None = None
        self._arrays: dict[str, Tensor] = {}
        self._rows = 0
        self.done = False

    def begin(self, **known: Any) -> None:
        """Forgets an earlier, unfinished attempt and writes status `running`.

        known: fields of RunRecord.
        """
        for name in (CURVE_FILE, ARRAYS_FILE, STATE_FILE):
            (self.folder / name).unlink(missing_ok=True)
        self._write(
            RunRecord(schema_version=SCHEMA_VERSION, status="running", started=_now(), **known)
        )

    def note(self, **values: Any) -> None:
        """Adds to run.json what became known after the beginning."""
        assert self.record is not None, "begin() or resume() comes first"
        self._write(self.record.but(**values))

    def _write(self, record: RunRecord) -> None:
        self.record = record
        write_json(self.folder / RUN_FILE, record.to_json())

    def row(self, table: str, **values: float | int | bool | None) -> None:
        assert table == "curve", table
        with (self.folder / CURVE_FILE).open("a") as file:
            file.write(json.dumps(values) + "\n")
        self._rows += 1

    def array(self, name: str, values: Tensor) -> None:
        self._arrays[name] = values.detach().cpu()

    def save_state(self, state: dict[str, Any]) -> None:
        """Keeps `state` (tensors and plain values) and how far the records are, in one step."""
        path = self.folder / STATE_FILE
        draft = path.with_name(path.name + ".tmp")
        torch.save({"state": state, "rows": self._rows, "arrays": self._arrays}, draft)
        draft.replace(path)

    def resume(self) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
        """(state, rows of the curve so far) to go on from instead of `begin`; None if there is
        nothing to go on from.

        Rows and arrays that were written after the state was saved are forgotten. Raises UserError
        if there is a state that cannot be used.
        """
        path = self.folder / STATE_FILE
        stored = read_run(self.folder)
        if stored is None or stored.record.status != "running" or not path.exists():
            return None
        try:
            saved = torch.load(path, weights_only=True)
            lines = (self.folder / CURVE_FILE).read_text().splitlines()[: saved["rows"]]
            rows = [json.loads(line) for line in lines]
            require(len(rows) == saved["rows"], f"{CURVE_FILE} has lost rows")
        except Exception as error:  # of torch.load, whatever is wrong with the file
            raise UserError(
                f"{path} cannot be used to go on from ({type(error).__name__}); delete it to start "
                "the run afresh"
            ) from error
        draft = self.folder / (CURVE_FILE + ".tmp")
        draft.write_text("".join(line + "\n" for line in lines))
        draft.replace(self.folder / CURVE_FILE)
        self.record, self._arrays, self._rows = stored.record, dict(saved["arrays"]), saved["rows"]
        self.note(resumed=[*stored.record.resumed, {"at": _now(), "row": self._rows}])
        return saved["state"], rows

    def finish(self, summary: dict[str, Any]) -> StoredRun:
        """Writes the arrays, then the status `done`, and returns the stored run."""
        path = self.folder / ARRAYS_FILE
        draft = path.with_name(path.name + ".tmp")
        with h5py.File(draft, "w") as file:
            for name, values in self._arrays.items():
                file.create_dataset(name, data=values.numpy())
        draft.replace(path)
        self._close(status="done", curve_rows=self._rows, summary=summary)
        self.done = True
        (self.folder / STATE_FILE).unlink(missing_ok=True)
        assert self.record is not None
        return StoredRun(self.folder, self.record)

    def fail(self, error: str, trace: str) -> None:
        """Records why the run failed. It is tried again when it is asked for again."""
        self._close(status="failed", curve_rows=self._rows, error=error, traceback=trace)

    def _close(self, **values: Any) -> None:
        self.note(ended=_now(), **values)


@contextmanager
def claim(folder: Path) -> Iterator[StoredRun | None]:
    """The folder for this process alone: the run in it if it is done, else None (compute it).

    Waits while another process computes the same run. The lock goes with the process that holds it,
    so a killed one blocks nobody. Raises UserError if the folder cannot be written or holds a
    damaged run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"{folder.name}: another process computes this run; waiting for it", flush=True)
            lock.acquire()
    except OSError as error:
        raise UserError(
            f"results_dir: {folder} cannot be written ({error.strerror or error}); choose another"
        ) from error
    try:
        stored = read_run(folder)
        if stored is not None and stored.done:
            stored.check()
            yield stored
        else:
            yield None
    finally:
        lock.release()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
