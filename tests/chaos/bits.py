"""Flipped bits: damage is found, or changes no number."""

import random
import shutil
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.chaos.campaign import Fault
from tests.chaos.command import SHORT, SMALL, Said, forked, kill_group, start
from tests.chaos.judge import Numbers, differing, numbers, short, words

_SWEEP = ("-m", *SHORT, "results_dir=results", "name=sweep", "method=uniform,loss_cdf", "seed=0")
_REDRAW = ("redraw=sweep", "name=sweep", "results_dir=results")
_FIGURES = ("figure=curves", "figure=importance")
_SAVED = (*SMALL, "budget.steps=1200", "eval_every=100", "checkpoint_every=100")
_RESUMED = (*_SAVED, "results_dir=results")
_IGNORED = (".lock", "multirun.yaml", "curve.png")  # nobody reads numbers from these


@dataclass(frozen=True, slots=True)
class _Sweep:
    """A finished sweep: its folder, its numbers, and what each figure says of it."""

    folder: Path
    numbers: Numbers
    drawn: dict[str, tuple[str, dict[str, bytes]]]


def bit_trial(rng: random.Random, folder: Path) -> list[Fault]:
    """Flips one bit, or a few, in a file of a finished run, or of a saved state."""
    return (_flip_saved if rng.random() < 0.35 else _flip_finished)(rng, folder)


def _flip_finished(rng: random.Random, folder: Path) -> list[Fault]:
    clean = _finished()
    work = folder / "work"
    shutil.copytree(clean.folder, work, symlinks=True)
    runs = [p for p in (work / "results" / "runs").rglob("*") if _is_read(p)]
    notes = [p for p in (work / "results" / "experiments").rglob("jobs/*.json") if _is_read(p)]
    what = _flip(rng, rng.choice(notes if rng.random() < 0.15 else runs), work)
    figure = rng.choice(_FIGURES)
    said = forked((*_REDRAW, figure), work)
    faults = [Fault(kind, f"{what}; {figure}: {short(said)}") for kind in words(said)]
    if said.code == 0:
        table, files = clean.drawn[figure]
        if (_table(said), _drawn(work)) != (table, files):
            faults.append(Fault("damage changes a figure silently", f"{what}; {figure}"))
    if rng.random() < 0.4:  # the redraw alone takes half the time
        return faults
    again = forked(_SWEEP, work)
    faults += [Fault(kind, f"{what}; sweep again: {short(again)}") for kind in words(again)]
    if again.code == 0:
        wrong = differing(numbers(work / "results"), clean.numbers)
        if wrong:
            detail = f"{what}; sweep again exits 0 with {', '.join(wrong)} changed"
            faults.append(Fault("damage is kept as a result", detail))
    return faults


def _flip_saved(rng: random.Random, folder: Path) -> list[Fault]:
    saved, expected = _interrupted()
    work = folder / "work"
    shutil.copytree(saved, work, symlinks=True)
    what = _flip(rng, rng.choice([p for p in work.rglob("runs/*/*") if _is_read(p)]), work)
    said = forked(_RESUMED, work)
    faults = [Fault(kind, f"resumed, {what}: {short(said)}") for kind in words(said)]
    if said.code == 0 and differing(numbers(work / "results"), expected):
        faults.append(Fault("resumed from damage to other numbers", f"{what}; exit 0"))
    return faults


def _flip(rng: random.Random, file: Path, work: Path) -> str:
    content = bytearray(file.read_bytes())
    flips = rng.choice((1, 1, 1, 2, 8))
    told = []
    for _ in range(flips):
        place, bit = rng.randrange(len(content)), rng.randrange(8)
        content[place] ^= 1 << bit
        told.append(f"{place}.{bit}")
    file.write_bytes(content)
    return f"flipped {' '.join(told)} (byte.bit) of {file.relative_to(work / 'results')}"


def _is_read(path: Path) -> bool:
    return path.is_file() and path.name not in _IGNORED and path.stat().st_size > 0


def _table(said: Said) -> str:
    """The summary table, without the paths below it."""
    return "\n".join(line for line in said.output.splitlines() if "experiments/" not in line)


def _drawn(work: Path) -> dict[str, bytes]:
    folder = work / "results" / "experiments" / "sweep"
    return {f.suffix: f.read_bytes() for f in folder.glob("sweep.*")}


@cache
def _finished() -> _Sweep:
    work = Path(mkdtemp(prefix="chaos-")) / "finished"
    work.mkdir()
    said = forked(_SWEEP, work)
    assert said.code == 0, said.output
    drawn = {}
    for figure in _FIGURES:
        said = forked((*_REDRAW, figure), work)
        assert said.code == 0, said.output
        drawn[figure] = _table(said), _drawn(work)
    return _Sweep(work, numbers(work / "results"), drawn)


@cache
def _interrupted() -> tuple[Path, Numbers]:
    """A run that was killed after it had saved a state, and the numbers of an undisturbed one."""
    place = Path(mkdtemp(prefix="chaos-"))
    whole, killed = place / "whole", place / "killed"
    whole.mkdir()
    killed.mkdir()
    said = forked(_RESUMED, whole)
    assert said.code == 0, said.output
    process = start(_RESUMED, killed)
    while process.poll() is None and not list(killed.glob("results/runs/*/state*")):
        time.sleep(0.005)
    kill_group(process.pid)
    process.wait()
    assert list(killed.glob("results/runs/*/state*")), "the run ended before it could be killed"
    return killed, numbers(whole / "results")
