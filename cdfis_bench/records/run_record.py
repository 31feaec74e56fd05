"""The contents of run.json as one typed object."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from cdfis_bench.core.json_fields import from_json
from cdfis_bench.core.summary import Summary
from cdfis_bench.records.schema import SCHEMA_VERSION

Status = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The contents of run.json. Optional fields become known while the run is computed.

    Attributes:
        schema_version: Version of the file format (records/schema.py).
        status: running, done or failed. A process that is killed leaves "running".
        id: Identifies the run in a results folder: `<arm>-s<seed>`.
        arm: Hash of the configuration without its seed (records/identity.py).
        seed: Seed of the run's random streams.
        method: Legend entry.
        config: The fully resolved configuration, as plain values.
        data_fingerprint: Identifies the data; None in records of early versions.
        code: Own modules by the hash of their source and libraries by their version, as far as they
            count for the id; empty if all parts are this package's.
        started: Start time in UTC, ISO 8601.
        ended: End time in UTC, ISO 8601.
        versions: Version of each library that the numbers depend on.
        commit: Git commit of the checkout; None outside a checkout.
        dirty: Whether the checkout had uncommitted changes.
        launcher: The Hydra launcher of the sweep, or "none".
        hardware: Device, threads, and how many runs shared them.
        dataset: Title of the data.
        train_samples: Size of the training set that the run was trained on.
        test_samples: Size of the test set.
        validation_samples: Size of the validation set; None without one.
        backend: How the network was computed (backends/choose.py).
        resumed: One entry for every time that the run was resumed.
        curve_rows: Number of rows of curve.jsonl once the run has ended.
        summary: Final numbers of a run that is done.
        checksums: SHA-256 of the other files of a run that is done, by their names.
        error: Why the run failed, in one sentence.
        traceback: Traceback of a failed run.
    """

    schema_version: int = SCHEMA_VERSION
    status: Status = "running"
    id: str
    arm: str
    seed: int
    method: str
    config: Mapping[str, Any]
    data_fingerprint: str | None = None
    code: Mapping[str, str] = field(default_factory=dict)
    started: str | None = None
    ended: str | None = None
    versions: Mapping[str, str | None] = field(default_factory=dict)
    commit: str | None = None
    dirty: bool | None = None
    launcher: str | None = None
    hardware: Mapping[str, str | int | None] = field(default_factory=dict)
    dataset: str | None = None
    train_samples: int | None = None
    test_samples: int | None = None
    validation_samples: int | None = None
    backend: Mapping[str, Any] | None = None
    resumed: Sequence[Mapping[str, str | int]] = field(default_factory=list)
    curve_rows: int | None = None
    summary: Summary | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    traceback: str | None = None

    @classmethod
    def from_json(cls, values: object) -> "RunRecord":
        """The record in a file of the current format.

        Args:
            values: What `json.load` returns for run.json.

        Returns:
            The record. Keys that it does not know are ignored.

        Raises:
            ValueError: If a key is missing or has a value of the wrong type; the message names it.
        """
        record = from_json(cls, values)
        required = ["schema_version", "status"]
        if record.status == "done":
            required += ["curve_rows", "summary"]
        for key in required:
            if not isinstance(values, dict) or values.get(key) is None:
                raise ValueError(f"the key {key} is missing")
        return record

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the fields that are None."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        if self.summary is not None:
            values["summary"] = self.summary.to_json()
        return {name: value for name, value in values.items() if value is not None}

    def but(self, **changes: Any) -> "RunRecord":
        """A copy with other values."""
        return dataclasses.replace(self, **changes)
