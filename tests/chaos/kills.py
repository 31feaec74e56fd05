"""Kills at random moments: what is interrupted goes on to the numbers of an undisturbed run."""

import random
import signal
import time
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.chaos.campaign import Fault
from tests.chaos.command import SMALL, Said, forked, kill_group, real, start
from tests.chaos.judge import Numbers, differing, done_runs, numbers, short, words

_LONG = (*SMALL, "budget.steps=400", "eval_every=40", "results_dir=results")
_SWEEP = ("-m", *_LONG, "name=killed", "method=loss_cdf", "seed=range(0,3)")
COMMANDS: dict[str, tuple[str, ...]] = {
    "run": _LONG,
    "resume": (*_LONG, "checkpoint_every=40"),
    "sweep": _SWEEP,
    "sweep, resume": (*_SWEEP, "checkpoint_every=40"),
    "pool": (*_SWEEP, "hydra/launcher=pool", "hydra.launcher.n_jobs=2"),
    "batched": (*_SWEEP, "hydra/launcher=batched_seeds"),
}
_STARTED = 60.0  # seconds in which the first run folder appears, at the latest


def kill_trial(rng: random.Random, folder: Path) -> list[Fault]:
    """Kills a command, once or twice, then gives it again."""
    what = rng.choice(list(COMMANDS))
    arguments = COMMANDS[what]
    only_parent = rng.random() < 0.3
    told = []
    faults = []
    for _ in range(rng.choice((1, 1, 2))):
        early = rng.random() < 0.2
        delay = rng.uniform(0, 6) if early else rng.expovariate(1 / 0.7)
        _kill(arguments, folder, early, delay, only_parent)
        told.append(f"{'start' if early else 'first run'} + {delay:.2f} s")
    detail = f"{what}, killed at {' and '.join(told)}{', parent only' if only_parent else ''}"
    results = folder / "results"
    if "-m" in arguments and (results / "experiments").exists():
        faults += _passes_as_complete(folder, results, detail)
    again = _command(what, arguments, folder)
    faults += [Fault(kind, f"{detail}; again: {short(again)}") for kind in words(again)]
    if again.code != 0:
        faults.append(Fault("the same command does not go on", f"{detail}; {short(again)}"))
    wrong = differing(numbers(results), _undisturbed(what))
    if wrong:
        faults.append(Fault("other numbers than undisturbed", f"{detail}; {', '.join(wrong)}"))
    return faults


def _kill(
    arguments: tuple[str, ...], folder: Path, early: bool, delay: float, only_parent: bool
) -> None:
    process = start(arguments, folder)
    end = time.monotonic() + _STARTED
    before = len(list((folder / "results").glob("runs/*/run.json")))
    while not early and time.monotonic() < end and process.poll() is None:
        found = list((folder / "results").glob("runs/*/run.json"))
        if len(found) > before or (before and (folder / "results" / "runs").exists()):
            break
        time.sleep(0.01)
    time.sleep(delay)
    if only_parent:
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.5)  # its children notice, or go on for a moment
    kill_group(process.pid)
    process.wait()


def _passes_as_complete(folder: Path, results: Path, detail: str) -> list[Fault]:
    """A sweep with missing runs must not be redrawn as if it were complete."""
    finished = len(done_runs(results))
    said = forked(("redraw=killed", "name=drawn", "results_dir=results"), folder)
    faults = [Fault(kind, f"{detail}; redraw: {short(said)}") for kind in words(said)]
    if said.code == 0 and finished < 3:
        what = f"{detail}; redraw: exit 0 with {finished} of 3 runs"
        faults.append(Fault("an interrupted sweep passes as complete", what))
    return faults


def _command(what: str, arguments: tuple[str, ...], folder: Path) -> Said:
    return (real if what == "pool" else forked)(arguments, folder)


@cache
def _undisturbed(what: str) -> Numbers:
    folder = Path(mkdtemp(prefix="chaos-")) / "undisturbed"
    folder.mkdir()
    said = _command(what, COMMANDS[what], folder)
    assert said.code == 0, f"undisturbed {what}: {said.output}"
    return numbers(folder / "results")
