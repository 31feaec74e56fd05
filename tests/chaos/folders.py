"""Crafted folders: nothing outside is touched or read, no code runs, no terminal is controlled."""

import hashlib
import json
import os
import pickle
import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import h5py

from tests.chaos.campaign import Fault
from tests.chaos.command import SHORT, Said, forked
from tests.chaos.intruder import EVIDENCE, Pickled
from tests.chaos.judge import short, tree, words

_SWEEP = ("-m", *SHORT, "results_dir=results", "name=sweep", "method=uniform,loss_cdf", "seed=0")
_REDRAW = ("redraw=sweep", "name=sweep", "results_dir=results")
_FIGURES = ("curves", "ranking", "importance", "patterns", "pruning")
_ESCAPES = ("\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x9b31m", "\x1b[1A\x1b[2Kall fine", "a\rb\x08")
_INTRUDE = "tests.chaos.intruder.intrude"

Attack = Callable[[random.Random, Path, Path], tuple[str, bool]]
"""Crafts something in (results, outside); returns what, and whether it must be refused."""


def folder_trial(rng: random.Random, folder: Path) -> list[Fault]:
    """Opens and continues a results folder that somebody has crafted."""
    work, outside = folder / "work", folder / "outside"
    shutil.copytree(_finished(), work, symlinks=True)
    shutil.copytree(_finished() / "results" / "runs", outside / "runs")
    (outside / "jobs").mkdir()
    (outside / "jobs" / "thesis.txt").write_text("irreplaceable")
    evidence = folder / "evidence.txt"
    os.environ[EVIDENCE] = str(evidence)
    attack = rng.choice(_ATTACKS)
    what, must_refuse = attack(rng, work / "results", outside)
    before = tree(outside)
    faults: list[Fault] = []
    redraw = (*_REDRAW, f"figure={rng.choice(_FIGURES)}")
    for arguments in rng.choice(((redraw, _SWEEP), (_SWEEP, redraw), (redraw,))):
        said = forked(arguments, work)
        told = f"{what}; {'redraw' if arguments is redraw else 'sweep'}: {short(said)}"
        faults += [Fault(kind, told) for kind in words(said)]
        faults += _touched(told, before, outside, evidence)
        if must_refuse and arguments is redraw and said.code == 0:
            faults.append(Fault("what somebody crafted is drawn as a result", told))
    return list({fault.kind: fault for fault in faults}.values())


def _touched(told: str, before: dict[str, str], outside: Path, evidence: Path) -> list[Fault]:
    faults = []
    after = tree(outside)
    gone = [name for name in before if after.get(name) != before[name]]
    new = [name for name in after if name not in before]
    if gone:
        faults.append(Fault("foreign files changed or removed", f"{told}: {gone[:3]}"))
    if new:
        faults.append(Fault("files written outside", f"{told}: {new[:3]}"))
    if evidence.exists():
        faults.append(Fault("code was run", told))
    return faults


def _run(rng: random.Random, results: Path) -> Path:
    return rng.choice(sorted((results / "runs").iterdir()))


def _linked_run(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    run = _run(rng, results)
    shutil.rmtree(run)
    run.symlink_to(outside / "runs" / run.name)
    return f"runs/{run.name} is a link to elsewhere", False


def _linked_file(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    run = _run(rng, results)
    name = rng.choice(("run.json", "curve.jsonl", "arrays.h5"))
    (run / name).unlink()
    (run / name).symlink_to(outside / "runs" / run.name / name)
    return f"{name} is a link to elsewhere", False


def _linked_draft(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    """The temporary files that are written beside a file before they replace it."""
    victim = outside / "victim.txt"
    victim.write_text("irreplaceable")
    run, experiment = _run(rng, results), results / "experiments" / "sweep"
    targets = [
        *(experiment / f"sweep.{end}" for end in ("png", "pdf", "csv", "json")),
        *(run / name for name in ("run.json", "curve.jsonl", "arrays.h5", "curve.png")),
        experiment / "jobs" / "00000.json",
    ]
    target = rng.choice(targets)
    if target.parent == run:  # written only while the run is computed
        (run / "run.json").unlink()
    draft = target.with_name(target.name + rng.choice((".tmp", ".tmp", ".part", ".draft")))
    draft.symlink_to(victim)
    return f"{draft.name} is a link to a foreign file", False


def _linked_lock(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    lock = rng.choice((_run(rng, results), results / "experiments" / "sweep")) / ".lock"
    lock.unlink(missing_ok=True)
    victim = outside / "victim.txt"
    victim.write_text("irreplaceable")
    lock.symlink_to(victim)
    return f"{lock.parent.name}/.lock is a link to a foreign file", False


def _linked_experiment(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    experiment = results / "experiments" / "sweep"
    inner = rng.random() < 0.5
    target = experiment / "jobs" if inner else experiment
    for note in (experiment / "jobs").glob("*.json"):
        shutil.copy(note, outside / "jobs")
    shutil.rmtree(target)
    target.symlink_to(outside / "jobs" if inner else outside)
    return f"experiments/{target.relative_to(results / 'experiments')} is a link elsewhere", False


def _note_elsewhere(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    note = rng.choice(sorted((results / "experiments" / "sweep" / "jobs").glob("*.json")))
    values = json.loads(note.read_text())
    name = values["run"]
    elsewhere = f"{outside / 'runs' / name}"
    values["run"] = rng.choice((elsewhere, f"../../../outside/runs/{name}", f"../runs/{name}/."))
    note.write_text(json.dumps(values))
    return f"a job note says run={values['run'][-40:]}", True


def _note_odd(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    note = rng.choice(sorted((results / "experiments" / "sweep" / "jobs").glob("*.json")))
    values = json.loads(note.read_text())
    key = rng.choice(("run", "overrides", "number", "status", "error", "method"))
    values[key] = rng.choice((7, [], {}, "", "..", "a\0b", ["x" * 5000], -1, "x" * 300, 1e400))
    note.write_text(json.dumps(values))
    return f"a job note says {key}={ascii(values[key])[:30]}", False


def _escapes(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    run, escape = _run(rng, results), rng.choice(_ESCAPES)
    place = rng.choice(("error", "overrides", "dataset", "device_name", "method", "title"))
    if place in ("error", "overrides"):
        note = sorted((results / "experiments" / "sweep" / "jobs").glob("*.json"))[0]
        values = json.loads(note.read_text())
        values |= {"status": "failed", "error": f"no{escape}"}
        values |= {"overrides": [f"a={escape}"]} if place == "overrides" else {}
        note.write_text(json.dumps(values))
        return f"{escape!r} in the {place} of a job note", False

    def change(record: dict[str, Any]) -> None:
        if place == "device_name":
            record["hardware"]["device_name"] += escape
        elif place == "title":
            record["config"]["method_title"] = f"x{escape}"
        else:
            record[place] += escape

    _change_record(run, change)
    return f"{escape!r} in the {place} of a record", False


def _target(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    groups = ("dataset", "model", "metric", "selector", "tracker", "figure", "threshold", "source")
    chosen = rng.sample(groups, k=rng.randint(1, 3))

    def change(record: dict[str, Any]) -> None:
        for group in chosen:
            record["config"].setdefault(group, {})["_target_"] = _INTRUDE

    for run in (results / "runs").iterdir():
        _change_record(run, change)
    return f"a record's {' and '.join(chosen)} is made by {_INTRUDE}", False


def _interpolation(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    text = rng.choice(("${oc.env:HOME}", "${oc.env:PATH}", "${cdfis.cores:}", "${"))

    def change(record: dict[str, Any]) -> None:
        record["dataset"] = text
        record["config"]["method_title"] = text

    _change_record(_run(rng, results), change)
    return f"{text} in a record", False


def _pickled(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    run = _run(rng, results)
    _change_record(run, lambda record: record.update(status="running"))
    names = ["state.pt", *(file.name for file in run.glob("state*"))]
    (run / rng.choice(names)).write_bytes(pickle.dumps(Pickled()))
    return "a saved state is a pickle that runs code", False


def _external(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    """An array that is not in the file but somewhere else on the disk."""
    run = _run(rng, results)
    old = (run / "arrays.h5").read_bytes()
    target = outside / "runs" / run.name / "arrays.h5"
    name = rng.choice(("selected_count_open", "offered_count_open", "selected_count"))
    with h5py.File(run / "arrays.h5", "r+") as file:
        del file[name]
        file[name] = h5py.ExternalLink(str(target), f"/{name}")
    _reseal(run, old, (run / "arrays.h5").read_bytes())
    return f"arrays.h5: {name} is a link to another file", False


def _special(rng: random.Random, results: Path, outside: Path) -> tuple[str, bool]:
    run = _run(rng, results)
    name = rng.choice(("run.json", "curve.jsonl", "arrays.h5"))
    (run / name).unlink()
    kind = rng.choice(("folder", "unreadable", "empty", "deep", "huge number"))
    if kind == "folder":
        (run / name).mkdir()
    elif kind == "unreadable":  # not for root, who reads everything
        (run / name).symlink_to("/proc/self/mem")
    else:
        text = {"empty": "", "deep": "[" * 100_000, "huge number": '{"step": ' + "9" * 5000 + "}"}
        (run / name).write_text(text[kind])
    return f"{name}: {kind}", name != "arrays.h5"


_ATTACKS: tuple[Attack, ...] = (
    _linked_run,
    _linked_file,
    _linked_draft,
    _linked_draft,
    _linked_lock,
    _linked_experiment,
    _note_elsewhere,
    _note_odd,
    _escapes,
    _escapes,
    _target,
    _target,
    _interpolation,
    _pickled,
    _external,
    _special,
)


def _change_record(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = run / "run.json"
    old = file.read_bytes()
    record = json.loads(old)
    change(record)
    file.write_text(json.dumps(record, indent=1) + "\n")
    _reseal(run, old, file.read_bytes())


def _reseal(run: Path, old: bytes, new: bytes) -> None:
    """Replaces checksums of `old` in all text files by those of `new`: an attacker would, too."""
    for file in run.iterdir():
        content = file.read_bytes()
        for name in ("sha256", "sha1", "md5", "blake2b"):
            before = hashlib.new(name, old).hexdigest().encode()
            content = content.replace(before, hashlib.new(name, new).hexdigest().encode())
        if content != file.read_bytes():
            file.write_bytes(content)


@cache
def _finished() -> Path:
    work = Path(mkdtemp(prefix="chaos-")) / "finished"
    work.mkdir()
    said: Said = forked(_SWEEP, work)
    assert said.code == 0, said.output
    return work
