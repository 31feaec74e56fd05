"""The command: one process per case, a table, a JSON, a verdict on the run itself."""

import argparse
import json
import multiprocessing
import platform
import sys
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from benchmark.cases import BUSY, CASES, QUICK, run_case
from benchmark.report import print_row, print_verdicts
from benchmark.rows import Row
from benchmark.timing import BUSY_LOAD, VOID_BEYOND, load

LEAST_ROUNDS = 7


def main(about: str) -> int:
    """Exit code 0; 1 if a case failed; 2 if the run is void."""
    options = _options(about)
    if options.list:
        print("\n".join(CASES))
        return 0
    began, loads = time.monotonic(), [load()]
    rows: list[Row] = []
    against_itself: dict[str, float] = {}
    failed: list[str] = []
    hardware = (
        f"{_processor()}, 1 thread, torch {torch.__version__}, Python {platform.python_version()}"
    )
    print(f"{hardware}; {options.rounds} rounds A B B A\n")
    for case in options.cases:
        same, error = _in_a_process(case, options.rounds, options.quick, rows)
        if same is not None:
            against_itself[case] = same
        if error:
            failed.append(case)
            print(f"case {case} failed:\n{error}", file=sys.stderr)
        if case != BUSY:
            loads.append(load())
    reasons = _void(loads, against_itself)
    print_verdicts(rows, reasons, time.monotonic() - began)
    if options.json:
        said = {
            "hardware": hardware,
            "rounds": options.rounds,
            "quick": options.quick,
            "void": reasons,
            "load": loads,
            "a_against_a": against_itself,
            "failed": failed,
            "rows": [row.as_json() for row in rows],
        }
        options.json.write_text(json.dumps(said, indent=1) + "\n")
    return 1 if failed else 2 if reasons else 0


def _options(about: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="less than a minute; fewer rounds")
    parser.add_argument("--only", action="append", metavar="CASE", help="a case, or its beginning")
    parser.add_argument("--rounds", type=int, help=f"default {LEAST_ROUNDS}; 3 with --quick")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else LEAST_ROUNDS)
    options.cases = [
        name
        for name in (QUICK if options.quick and not options.only else CASES)
        if not options.only or any(name.startswith(only) for only in options.only)
    ]
    if not options.cases:
        parser.error(f"no case begins with {' or '.join(options.only)}; --list names them")
    return options


def _in_a_process(case: str, rounds: int, quick: bool, rows: list[Row]) -> tuple[float | None, str]:
    """A against A, and the traceback if the case failed. Rows are printed and kept as they come.

    The process is a copy of this one where the system can: torch is then imported once.
    """
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, case, rounds, quick))
    process.start()
    theirs.close()
    try:
        while isinstance(said := ours.recv(), Row):
            print_row(said)
            rows.append(said)
    except EOFError:
        said = None, "its process died"
    process.join()
    return said


def _child(results: Connection, case: str, rounds: int, quick: bool) -> None:
    """Sends rows, then what _in_a_process returns."""
    try:
        results.send((run_case(case, rounds, quick, results.send), ""))
    except Exception:
        results.send((None, traceback.format_exc()))


def _void(loads: list[float], against_itself: dict[str, float]) -> list[str]:
    """Why the run cannot be trusted; empty if it can."""
    reasons = [
        f"{case}: the same work took {ratio:.2f} times as long as itself"
        for case, ratio in against_itself.items()
        if abs(ratio - 1) > VOID_BEYOND
    ]
    if max(loads) > BUSY_LOAD:
        reasons.append(f"other work ran on the machine (load up to {max(loads):.1f})")
    return reasons


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    found = [line.split(":", 1)[1].strip() for line in names if line.startswith("model name")]
    return found[0] if found else platform.processor() or platform.machine()
