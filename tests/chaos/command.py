"""Giving commands: as a process of its own, or quickly, in a fork of this one."""

import contextlib
import importlib
import os
import pkgutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMEOUT = 180.0  # seconds; every command of the campaign takes a few
SMALL = (
    "tracker=none",
    "device=cpu",
    "dataset.train_size=512",
    "dataset.test_size=256",
    "large_batch_size=128",
    "batch_size=32",
)
SHORT = (*SMALL, "budget.steps=60", "eval_every=20")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command did: its exit code (None: it did not end in time) and its output."""

    code: int | None
    output: str


def environment() -> dict[str, str]:
    """The environment of a command: one thread, the package on the path, no network."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path, "WANDB_MODE": "offline"}


def start(arguments: tuple[str, ...], folder: Path) -> subprocess.Popen[bytes]:
    """Starts `python -m cdfis_bench` in a session of its own, so that it can be killed as one."""
    with (folder / "started.txt").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "cdfis_bench", *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def real(arguments: tuple[str, ...], folder: Path) -> Said:
    """The command as a process of its own, to its end."""
    process = start(arguments, folder)
    try:
        code = process.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        code = None
    kill_group(process.pid)
    process.wait()
    return Said(code, (folder / "started.txt").read_text(errors="replace"))


def forked(arguments: tuple[str, ...], folder: Path, stdout: str | None = None) -> Said:
    """The command in a fork of this process: the same code, without the seconds of imports.

    Args:
        arguments: Of the command line.
        folder: Its working directory; the output is kept beside it.
        stdout: A device such as /dev/full that standard output goes to, instead of a file.
    """
    _import_everything()
    written = folder.parent / "said.txt"
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _become(arguments, folder, written, stdout)
    code = _wait(child)
    kill_group(child)
    return Said(code, written.read_text(errors="replace"))


@cache
def _import_everything() -> None:
    """Imports, once before any fork, what a command would spend most of its time on."""
    import cdfis_bench

    for module in pkgutil.walk_packages(cdfis_bench.__path__, "cdfis_bench."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("pandas", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf"):
        importlib.import_module(name)


def kill_group(session: int) -> None:
    """Kills what is left of a session that `start` or `forked` has made."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)


def _become(arguments: tuple[str, ...], folder: Path, written: Path, stdout: str | None) -> None:
    """Runs the command in this process, which is a fork, and ends it."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        os.environ |= {"OMP_NUM_THREADS": "1", "WANDB_MODE": "offline"}
        output = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output if stdout is None else os.open(stdout, os.O_WRONLY), 1)
        os.dup2(output, 2)
        sys.argv = ["cdfis_bench", *arguments]
        code = _call()
    finally:
        os._exit(code)


def _call() -> int:
    """The exit code of the command, as Python would end it."""
    import traceback

    from cdfis_bench.cli import run

    code: object = 0
    try:
        run()
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    try:
        sys.stdout.flush()
    except OSError:  # Python itself says so and exits with 120
        code = code or 120
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def _wait(child: int) -> int | None:
    """The exit code of a child; None if it had to be killed after TIMEOUT."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
