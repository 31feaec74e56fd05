"""What counts as a fault: in what a command said, in the numbers it left, in what it touched."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.chaos.command import Said

# Parts of run.json that an undisturbed run has, too: not times, hardware or versions.
_FIELDS = ("status", "id", "arm", "seed", "method", "config", "dataset", "train_samples")
_PLACES = ("results_dir", "name", "redraw", "checkpoint_every")  # of the configuration
_MEASURED = ("step_cost", "break_even")  # quotients of times
_ESCAPES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_REPR = re.compile(r"\b[A-Z]\w*(?:Error|Exception)\(")

Numbers = dict[str, Any]  # run name -> what its files say, seconds aside


def words(said: Said) -> list[str]:
    """The faults in the output of a command: kinds of fault, each once."""
    faults = []
    if said.code is None:
        faults.append("hangs")
    elif said.code < 0:
        faults.append(f"died of signal {-said.code}")
    if "Traceback (most recent call last)" in said.output:
        faults.append("traceback")
    if _REPR.search(said.output):
        faults.append("repr of an exception instead of a sentence")
    if _ESCAPES.search(said.output.replace("\r", "").replace("\x1b[A", "")):
        faults.append("terminal escapes printed")
    if said.code and not said.output.strip():
        faults.append("failed without a word")
    return faults


def short(said: Said) -> str:
    """The exit code and the line of the output that explains most, for the list of faults."""
    lines = [line.strip() for line in said.output.splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line or "cdfis_bench:" in line] or lines
    return f"exit {said.code}: {ascii(telling[-1])[:220] if telling else 'no output'}"


def done_runs(results: Path) -> list[Path]:
    """The folders of finished runs, as their records say."""
    return [
        file.parent
        for file in sorted((results / "runs").glob("*/run.json"))
        if _json(file).get("status") == "done"
    ]


def numbers(results: Path) -> Numbers:
    """What the files of all finished runs say, seconds aside."""
    return {folder.name: _numbers(folder) for folder in done_runs(results)}


def differing(found: Numbers, expected: Numbers) -> list[str]:
    """The names of runs that are not in both, or not equal."""
    names = found.keys() | expected.keys()
    return sorted(name for name in names if found.get(name) != expected.get(name))


def tree(folder: Path) -> dict[str, str]:
    """A hash of everything below a folder, to see whether somebody touched it."""
    return {
        str(path.relative_to(folder)): _digest(path)
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }


def _digest(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _numbers(folder: Path) -> Any:
    try:
        record = _json(folder / "run.json")
        kept = {name: record.get(name) for name in _FIELDS}
        config = record.get("config") or {}
        kept["config"] = {k: v for k, v in config.items() if k not in _PLACES}
        kept["summary"] = _timeless(record.get("summary") or {})
        lines = (folder / "curve.jsonl").read_text().splitlines()
        kept["curve"] = [_timeless(json.loads(line)) for line in lines]
        with h5py.File(folder / "arrays.h5") as file:
            kept["arrays"] = _arrays(file)
    except (OSError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        return f"unreadable: {error}"
    return json.dumps(kept, sort_keys=True)


def _arrays(group: h5py.Group) -> dict[str, str]:
    found = {}
    for name in sorted(group):
        item = group[name]
        if isinstance(item, h5py.Group):
            found |= {f"{name}/{key}": value for key, value in _arrays(item).items()}
        else:
            values = np.asarray(item[()])  # type: ignore[index]
            digest = hashlib.sha256(values.tobytes()).hexdigest()
            found[name] = f"{values.dtype} {values.shape} {digest}"
    return found


def _timeless(values: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if "second" not in k and k not in _MEASURED}


def _json(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
