"""The house rules that a tool can check."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import cdfis_bench

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sorted(
    path for path in ROOT.rglob("*.py") if ".venv" not in path.parts and "results" not in path.parts
)
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
BIN = Path(sys.executable).parent
# Words of earlier versions, with what replaced them (docs/glossary.md).
OLD_WORDS = {
    "laws?": "(sampling) distribution",
    "masses": "unnormalized probabilities",
    "chances": "probabilities",
    "luck(y|ily)?": "chance, null distribution",
    "suggested": "facts, recipe",
    "of_logits": "from_logits",
    "accepts_signed": "accepts_negative_scores",
    "side.training": "holdout models",
    "at_output": "grad_output",
    "closing (table|text)": "summary table",
}
# Files that answer old names on purpose, or speak of them.
SPEAK_OF_OLD_WORDS = {"CHANGELOG.md", "error_messages.py"}


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
        ("codespell", "cdfis_bench", "hydra_plugins", "tests", "conf", "scripts", "docs", *PAGES),
        ("nbstripout", "--verify", "--keep-id", "notebooks/results.ipynb"),
        # The interpreter of this test, whichever virtual environment is active.
        ("pyright", "--pythonpath", sys.executable),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_tool_finds_nothing(command):
    result = tool(*command)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("word", OLD_WORDS)
def test_old_words_are_gone(word):
    places = [
        *(ROOT / name for name in PAGES),
        *(
            path
            for room in ("cdfis_bench", "hydra_plugins", "conf", "docs", "scripts")
            for path in sorted((ROOT / room).rglob("*"))
            if path.suffix in (".py", ".yaml", ".md", ".sh")
        ),
    ]
    pattern = re.compile(rf"\b{word}\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in places
        if path.name not in SPEAK_OF_OLD_WORDS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"use {OLD_WORDS[word]!r} instead:\n" + "\n".join(found)


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


def test_the_workflow_and_the_hooks_run_the_same_tools():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = [step.get("run") for job in workflow["jobs"].values() for step in job["steps"]]
    assert ".ci/run" in steps
    assert "3.10" in workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    (hooks,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    names = {hook["entry"].split()[0] for hook in hooks["hooks"]}
    assert names == {"ruff", "codespell", "nbstripout", "pyright"}
    for name in names:
        assert (BIN / name).exists(), f"the extra `test` brings {name}"


def test_the_citation_names_this_version_and_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert project and citation["version"] == project[1] == cdfis_bench.__version__
    assert citation["license"] == "MIT" == (ROOT / "LICENSE").read_text().split()[0]
    assert citation["preferred-citation"]["doi"] in (ROOT / "README.md").read_text()
