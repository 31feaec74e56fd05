"""Runs the campaign: `python -m tests.chaos --hours 1`. Exits with 1 if it finds a fault."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.bits import bit_trial
from tests.chaos.campaign import Trial, report, run_campaign
from tests.chaos.disks import disk_trial
from tests.chaos.folders import folder_trial
from tests.chaos.inputs import input_trial
from tests.chaos.kills import kill_trial

TRIALS: dict[str, Trial] = {
    "kill": kill_trial,
    "disk": disk_trial,
    "bits": bit_trial,
    "folders": folder_trial,
    "inputs": input_trial,
}


def main(arguments: list[str]) -> int:
    """Makes trials, prints each fault and the counts, and returns the exit code."""
    given = _parse(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        tempfile.tempdir = folder  # what trials prepare once is deleted with it
        counts = run_campaign(
            {kind: TRIALS[kind] for kind in given.kinds},
            Path(folder),
            seed=given.seed,
            seconds=given.hours * 3600,
            first=given.first,
            most=given.trials,
            say=lambda line: print(line, flush=True),
        )
    print(f"\nseed {given.seed}, {time.monotonic() - began:.0f} s")
    print(report(counts))
    return int(any(count.faults for count in counts.values()))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--hours", type=float, default=0.02, help="time for all kinds together")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same trials")
    parser.add_argument("--kinds", type=_kinds, default=list(TRIALS), help="such as kill,bits")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--trials", type=int, default=None, help="of each kind, at most")
    return parser.parse_args(arguments)


def _kinds(text: str) -> list[str]:
    kinds = text.split(",")
    unknown = [kind for kind in kinds if kind not in TRIALS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(TRIALS)}")
    return kinds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
