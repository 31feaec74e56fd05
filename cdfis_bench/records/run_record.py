"""What run.json says of a run, as one typed object."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

STATUSES = ("running", "done", "failed")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """run.json. Fields that are None became known later, or never.

    status: running, done or failed. config: fully resolved, plain values. dataset: the title of the
    data. curve_rows: rows that curve.jsonl must have.
    """

    schema_version: int
    status: str
    id: str
    arm: str
    seed: int
    method: str
    config: Mapping[str, Any]
    data_fingerprint: str | None = None
    started: str | None = None
    ended: str | None = None
    versions: Mapping[str, str | None] = field(default_factory=dict)
    commit: str | None = None
    dirty: bool | None = None
    launcher: str | None = None
    hardware: Mapping[str, Any] = field(default_factory=dict)
    dataset: str | None = None
    train_samples: int | None = None
    test_samples: int | None = None
    backend: Mapping[str, Any] | None = None
    resumed: list[Mapping[str, Any]] = field(default_factory=list)
    curve_rows: int | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    traceback: str | None = None

    @classmethod
    def from_json(cls, values: Any) -> "RunRecord":
        """From what json.load gives. Raises ValueError or TypeError if it is no run's record."""
        if not isinstance(values, dict):
            raise ValueError("not a JSON object")
        known = {one.name for one in fields(cls)}
        record = cls(**{key: value for key, value in values.items() if key in known})
        return record

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the fields that are None."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def but(self, **changes: Any) -> "RunRecord":
        """A copy with other values."""
        return dataclasses.replace(self, **changes)
