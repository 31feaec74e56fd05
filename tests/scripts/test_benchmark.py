"""scripts/benchmark.py: its verdicts, and one case from the command to the JSON."""

import json
import subprocess
import sys

import pytest

from tests.app.command import ROOT, environment

sys.path.insert(0, str(ROOT / "scripts"))
from benchmark.rows import Row
from benchmark.run import _void
from benchmark.timing import compare


def test_a_row_is_judged_by_its_target():
    assert Row("step loss+cdf / floor", "two_circles", 1.5).verdict == "yes"
    assert Row("step loss+cdf / floor", "two_circles", 1.51).verdict == "NO"
    assert Row("authors' loop / ours, loss", "pcam", 4.9).verdict == "NO"
    assert Row("authors' loop / ours, loss", "pcam", None, note="why").verdict == ""
    assert Row("something else", "pcam", 1.0).as_json()["met"] is None


def test_works_are_timed_in_the_order_a_b_b_a():
    order = []
    # Sleepless and slow enough that one repetition fills a timing.
    works = {name: lambda name=name: (order.append(name), sum(range(6_000_000))) for name in "ab"}
    ratio = compare(works["a"], works["b"], rounds=1)
    assert "".join(order).endswith("abba")
    assert ratio.low == ratio.median == ratio.high and 0.3 < ratio.median < 3


def test_a_run_is_void_beyond_ten_per_cent_or_under_load():
    assert _void([1.0], {"a": 1.09, "b": 0.92}) == []
    assert len(_void([1.0], {"a": 1.11, "b": 0.89})) == 2
    (reason,) = _void([0.5, 1.6], {"a": 1.0})
    assert "load up to 1.6" in reason


@pytest.mark.slow
def test_a_case_is_measured_in_a_process_of_its_own(tmp_path):
    command = [sys.executable, "scripts/benchmark.py", "--only", "steps:two", "--rounds", "1"]
    result = subprocess.run(
        [*command, "--quick", "--json", str(tmp_path / "b.json")],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert result.returncode in (0, 2), result.stderr  # 2: void, since tests share the machine
    said = json.loads((tmp_path / "b.json").read_text())
    judged = {row["what"]: row for row in said["rows"] if row["met"] is not None}
    assert set(judged) == {"step loss+cdf / floor", "step grad_norm+cdf / its floor"}
    assert all(row["low"] == row["value"] == row["high"] > 0.5 for row in judged.values())
    assert list(said["a_against_a"]) == ["steps:two_circles"] and said["failed"] == []
