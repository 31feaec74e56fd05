"""Running trials until the time is over, and counting what became of them."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


class Skipped(Exception):
    """A trial that cannot be made here; says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that a trial found.

    Attributes:
        kind: A few words, the same for equal faults, such as "traceback".
        detail: What was done, and what came of it.
    """

    kind: str
    detail: str


# Makes a trial in an empty folder. Everything random comes from the generator.
Trial = Callable[[random.Random, Path], list[Fault]]


@dataclass(slots=True)
class Count:
    """What became of the trials of a kind."""

    tried: int = 0
    survived: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    seconds: float = 0


def run_campaign(
    trials: Mapping[str, Trial],
    folder: Path,
    *,
    seed: int,
    seconds: float,
    first: int = 0,
    most: int | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, Count]:
    """Makes trials of every kind until the time is over; each kind gets the same share of it.

    Trial number i of a kind depends on the seed, the kind and i alone, so that it can be repeated.

    Args:
        trials: What makes a trial, by kind.
        folder: Where trials may write; each one's folder is deleted after it.
        seed: Of the campaign.
        seconds: Time for all kinds; a trial that has begun is completed.
        first: Number of the first trial of each kind.
        most: Trials of each kind at most; None for no limit.
        say: Called with a line for each fault.

    Returns:
        The counts by kind.
    """
    counts = {kind: Count() for kind in trials}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        open_kinds = [k for k in trials if most is None or counts[k].tried < most]
        open_kinds = [k for k in open_kinds if not counts[k].skipped]
        if not open_kinds:
            break
        kind = min(open_kinds, key=lambda name: (counts[name].seconds, counts[name].tried))
        _make(kind, trials[kind], first + counts[kind].tried, seed, counts[kind], folder, say)
    return counts


def report(counts: Mapping[str, Count]) -> str:
    """The table of counts."""
    lines = [f"{'kind':8}{'tried':>7}{'survived':>10}  faults"]
    for kind, count in counts.items():
        faults = [f"{name}: {number}" for name, number in count.faults.most_common()]
        faults += [f"skipped: {why}" for why in count.skipped]
        lines.append(f"{kind:8}{count.tried:7}{count.survived:10}  {'; '.join(faults) or '-'}")
    return "\n".join(lines)


def _make(
    kind: str,
    trial: Trial,
    number: int,
    seed: int,
    count: Count,
    folder: Path,
    say: Callable[[str], None],
) -> None:
    own = folder / f"{kind}-{number}"
    own.mkdir(parents=True)
    began = time.monotonic()
    try:
        faults = trial(random.Random(f"{seed} {kind} {number}"), own)
    except Skipped as reason:
        count.skipped[str(reason)] += 1
        return
    except Exception as error:  # one trial that cannot be judged does not end an hour's campaign
        faults = [Fault("the trial itself failed", f"{error!r}"[:300])]
    finally:
        count.seconds += time.monotonic() - began
        shutil.rmtree(own, ignore_errors=True)
    count.tried += 1
    count.survived += not faults
    for fault in faults:
        count.faults[fault.kind] += 1
        count.details.append(f"{kind} {number}: {fault.kind}: {fault.detail}")
        say(count.details[-1])
