"""Reads a run back from W&B's transaction log, whose format is private: tried with wandb 0.31.

The file is a header of seven bytes (":W&B", a magic number, a version), then LevelDB's log framing:
blocks of 32 KiB; in them fragments, each with a header of crc32, length and type. Joined fragments
are protobuf `Record`s.
"""

import json
import struct
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HEADER = b":W&B"
HEADER_BYTES = 7
BLOCK_BYTES = 32 * 1024
FRAGMENT = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass
class LoggedRun:
    """What the log of one run says; history is without W&B's own columns, which begin with `_`."""

    id: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    project: str = ""
    host: str = ""
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    x_axes: dict[str, str] = field(default_factory=dict)  # metric -> its step metric, "" if none
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    kinds: list[str] = field(default_factory=list)  # the type of every record


def read_run(folder: Path, patience_seconds: float = 10.0) -> LoggedRun:
    """The finished run logged in `folder`, which holds one .wandb file.

    wandb's service writes the end of the file after `finish` has returned, so the reader waits for
    the exit record.
    Raises ValueError where the file stays damaged or without one.
    """
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return _read(folder)
        except ValueError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _read(folder: Path) -> LoggedRun:
    # Not at the top: collecting the tests must not import wandb.
    from wandb.proto.wandb_internal_pb2 import Record  # pyright: ignore[reportAttributeAccessIssue]

    (path,) = folder.glob("*.wandb")
    run = LoggedRun()
    metrics: dict[int, str] = {}  # W&B numbers the metrics, and refers to step metrics by number
    for payload in _payloads(path.read_bytes()):
        record = Record.FromString(payload)
        kind = record.WhichOneof("record_type")
        run.kinds.append(kind)
        if kind == "run":
            run.id, run.name, run.group = (
                record.run.run_id,
                record.run.display_name,
                record.run.run_group,
            )
            run.job_type, run.project, run.host = (
                record.run.job_type,
                record.run.project,
                record.run.host,
            )
            run.tags = list(record.run.tags)
            run.config.update(_values(record.run.config.update))
        elif kind == "history":
            row = _values(record.history.item)
            run.history.append(
                {key: value for key, value in row.items() if not key.startswith("_")}
            )
        elif kind == "metric":
            metrics[len(metrics) + 1] = record.metric.name
            run.x_axes[record.metric.name] = record.metric.step_metric or metrics.get(
                record.metric.step_metric_index, ""
            )
        elif kind == "summary":
            run.summary.update(_values(record.summary.update))
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
    if run.exit_code is None:
        raise ValueError("the log has no exit record")
    return run


def expected_history(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The history that rows of the curve must become: no nulls, and the mirrored columns."""
    mirrored = ("train_loss", "test_loss", "test_accuracy")
    history = []
    for row in rows:
        known = {key: value for key, value in row.items() if value is not None}
        for column in mirrored:
            if column in known:
                known |= {
                    f"by_seconds/{column}": known[column],
                    f"by_samples/{column}": known[column],
                }
        history.append(known)
    return history


def _values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def _payloads(data: bytes) -> Iterator[bytes]:
    if not data.startswith(HEADER):
        raise ValueError("not a W&B transaction log")
    at, joined = HEADER_BYTES, b""
    while at < len(data):
        left = BLOCK_BYTES - at % BLOCK_BYTES
        if left < FRAGMENT.size:  # too short for a fragment: padding
            at += left
            continue
        crc, length, kind = FRAGMENT.unpack_from(data, at)
        body = data[at + FRAGMENT.size : at + FRAGMENT.size + length]
        if len(body) != length or zlib.crc32(bytes([kind]) + body) != crc:
            raise ValueError(f"damaged fragment at byte {at}")
        at += FRAGMENT.size + length
        joined = body if kind in (FULL, FIRST) else joined + body
        if kind in (FULL, LAST):
            yield joined
