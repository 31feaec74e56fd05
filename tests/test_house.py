"""The house rules that a tool can check."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sorted(
    path for path in ROOT.rglob("*.py") if ".venv" not in path.parts and "results" not in path.parts
)
BIN = Path(sys.executable).parent


def tool(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("lint-imports", "--no-cache"),
        ("codespell", "cdfis_bench", "tests", "conf", "scripts", "README.md"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_tool_finds_nothing(command):
    result = tool(*command)
    assert result.returncode == 0, result.stdout + result.stderr


def test_nothing_seeds_globally():
    """Every random function takes a generator; torch's and NumPy's global ones are for nobody."""
    seeding = re.compile(
        r"(?:torch|cuda)\.manual_seed|np\.random\.(?!Generator|default_rng)|random\.seed"
    )
    for path in PYTHON:
        if path != Path(__file__):
            assert not seeding.search(path.read_text()), path


def test_ci_runs_the_test_command_of_the_readme():
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    command = re.search(r"pip install -e '\.\[test\]' && (\S+)", readme)
    assert command, "the README has no test command"
    assert re.search(rf"pip install -q -e '\.\[test\]' && {command[1]}$", ci, re.MULTILINE)
