"""Full and read-only file systems, and output that cannot be written."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.chaos.campaign import Fault, Skipped
from tests.chaos.command import SHORT, forked
from tests.chaos.judge import Numbers, differing, numbers, short, words

_RUN = (*SHORT, "results_dir=results")
COMMANDS: dict[str, tuple[str, ...]] = {
    "run": _RUN,
    "resume": (*_RUN, "checkpoint_every=20"),
    "sweep": ("-m", *_RUN, "name=full", "method=uniform,loss_cdf", "seed=0"),
    "batched": ("-m", *_RUN, "name=full", "seed=0,1", "hydra/launcher=batched_seeds"),
}
_SIZE = 6 << 20


def disk_trial(rng: random.Random, folder: Path) -> list[Fault]:
    """Leaves a command too little space, then enough of it."""
    what = rng.choice(list(COMMANDS))
    accident = rng.choice(("full", "full", "full", "read-only", "no output"))
    with _small_disk(folder / "disk") as disk:
        if accident == "no output":
            first = forked(COMMANDS[what], disk, stdout="/dev/full")
            detail = f"{what}, output to /dev/full"
        elif accident == "read-only":
            if rng.random() < 0.5:
                forked(COMMANDS[what], disk)
            _mount("-o", "remount,ro", str(disk))
            first = forked(COMMANDS[what], disk)
            _mount("-o", "remount,rw", str(disk))
            detail = f"{what}, read-only"
        else:
            left = int(2 ** rng.uniform(12, 20))
            _fill(disk / "filler", left)
            first = forked(COMMANDS[what], disk)
            detail = f"{what}, {left >> 10} KiB left"
            (disk / "filler").unlink()
        faults = [Fault(kind, f"{detail}: {short(first)}") for kind in words(first)]
        wrong = [name for name, is_wrong in _wrong(disk, what).items() if is_wrong]
        if wrong:
            faults.append(Fault("a wrong result is marked done", f"{detail}: {', '.join(wrong)}"))
        if accident == "full" and first.code == 0 and len(numbers(disk / "results")) < _runs(what):
            faults.append(Fault("exit 0 without all results", f"{detail}: {short(first)}"))
        again = forked(COMMANDS[what], disk)
        faults += [Fault(kind, f"{detail}, again: {short(again)}") for kind in words(again)]
        if again.code != 0:
            faults.append(Fault("does not go on with space", f"{detail}: {short(again)}"))
        lost = differing(numbers(disk / "results"), _undisturbed(what))
        if lost:
            faults.append(Fault("other numbers than undisturbed", f"{detail}: {', '.join(lost)}"))
    return faults


def _runs(what: str) -> int:
    return len(_undisturbed(what))


def _wrong(disk: Path, what: str) -> dict[str, bool]:
    """Whether a run that says it is done has other numbers than an undisturbed one."""
    expected = _undisturbed(what)
    return {name: found != expected.get(name) for name, found in numbers(disk / "results").items()}


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        raise Skipped("mounting needs root")
    _mount("-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _mount(*arguments: str) -> None:
    result = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Skipped(f"mount: {result.stderr.strip()}")


def _fill(file: Path, left: int) -> None:
    """Fills the file system up to `left` bytes."""
    space = os.statvfs(file.parent)
    with file.open("wb") as filler:
        filler.write(b"\0" * max(0, space.f_bavail * space.f_frsize - left))


@cache
def _undisturbed(what: str) -> Numbers:
    folder = Path(mkdtemp(prefix="chaos-")) / "undisturbed"
    folder.mkdir()
    said = forked(COMMANDS[what], folder)
    assert said.code == 0, f"undisturbed {what}: {said.output}"
    return numbers(folder / "results")
