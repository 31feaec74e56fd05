"""The campaign with a small budget, and that it would notice a fault."""

import json
import random
import subprocess
import sys

import pytest

from tests.analysis.fabricate import run
from tests.chaos.campaign import Fault, Skipped, report, run_campaign
from tests.chaos.command import ROOT, Said, environment
from tests.chaos.judge import differing, numbers, tree, words


@pytest.mark.slow
def test_a_small_campaign_finds_no_fault():
    result = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--hours", "0.02", "--seed", "0"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_counts_are_per_kind_and_faults_by_kind(tmp_path):
    def good(rng: random.Random, folder):
        (folder / "x").write_text("x")
        return []

    def bad(rng, folder):
        return [Fault("traceback", "x"), Fault("hangs", "y")]

    def impossible(rng, folder):
        raise Skipped("no disk")

    said: list[str] = []
    trials = {"good": good, "bad": bad, "impossible": impossible}
    counts = run_campaign(trials, tmp_path, seed=0, seconds=30, most=3, say=said.append)
    assert (counts["good"].tried, counts["good"].survived) == (3, 3)
    assert (counts["bad"].tried, counts["bad"].survived) == (3, 0)
    assert counts["bad"].faults == {"traceback": 3, "hangs": 3}
    assert counts["impossible"].tried == 0 and "skipped: no disk" in report(counts)
    assert said[0] == "bad 0: traceback: x" and len(said) == 6
    assert list(tmp_path.iterdir()) == [], "every trial's folder is deleted"


def test_a_trial_depends_on_seed_kind_and_number_only(tmp_path):
    drawn: dict[str, list[float]] = {"a": [], "b": []}

    def draws(name):
        def trial(rng, folder):
            drawn[name].append(rng.random())
            return []

        return trial

    run_campaign({"a": draws("a")}, tmp_path, seed=7, seconds=30, most=3)
    run_campaign({"a": draws("b")}, tmp_path, seed=7, seconds=30, first=2, most=1)
    assert len(set(drawn["a"])) == 3 and drawn["b"] == drawn["a"][2:]


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        (Said(0, "all fine\n"), []),
        (Said(1, "cdfis_bench: no\n"), []),
        (Said(1, "Traceback (most recent call last):\n  x"), ["traceback"]),
        (
            Said(1, "x failed: RuntimeError('a')"),
            ["repr of an exception instead of a sentence"],
        ),
        (Said(0, "title \x1b[2J"), ["terminal escapes printed"]),
        (Said(1, " \n"), ["failed without a word"]),
        (Said(None, "x"), ["hangs"]),
        (Said(-11, "x"), ["died of signal 11"]),
    ],
)
def test_what_a_command_says_is_judged(said, kinds):
    assert words(said) == kinds


def test_numbers_differ_with_a_digit_and_not_with_seconds(tmp_path):
    one = run(tmp_path / "a", seed=0, step_seconds=0.01)
    run(tmp_path / "b", seed=0, step_seconds=0.02)
    expected = numbers(tmp_path / "a")
    assert not differing(numbers(tmp_path / "b"), expected)
    curve = tmp_path / "b" / "runs" / one.name / "curve.jsonl"
    curve.write_text(curve.read_text().replace("0.7", "0.6"))
    assert differing(numbers(tmp_path / "b"), expected) == [one.name]
    record = curve.with_name("run.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"status": "running"}))
    assert numbers(tmp_path / "b") == {} and differing({}, expected) == [one.name]


def test_a_touched_file_is_noticed(tmp_path):
    (tmp_path / "a").write_text("1")
    before = tree(tmp_path)
    (tmp_path / "a").write_text("2")
    assert tree(tmp_path) != before
    (tmp_path / "a").unlink()
    assert tree(tmp_path) == {}
