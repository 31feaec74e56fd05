"""A run computes what it computed when tests/golden/numbers.json was written.

Bit for bit on the processor and the PyTorch that wrote it; elsewhere to rounding. New numbers on
purpose: `python -m tests.golden.cases`, a new results version, a line in the changelog.
"""

import json

import pytest

from tests.golden.cases import (
    FILE,
    all_names,
    compute,
    environment,
    refuse_changes,
    results_version,
)

STORED = json.loads(FILE.read_text())
SAME = STORED["environment"] == environment()


def close(found, expected):
    """Equal but for rounding: other processors sum in another order."""
    if isinstance(expected, dict):
        names = expected.keys() - {"weights", "arrays"}
        return all(close(found[name], expected[name]) for name in names)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(close, found, expected))
    if expected is None:
        return found is None
    return found == pytest.approx(expected, rel=0.05, abs=0.05)


def stored_part(found, expected):
    """What was computed, without keys that did not exist when the numbers were stored."""
    if isinstance(expected, dict):
        return {key: stored_part(found[key], value) for key, value in expected.items()}
    if isinstance(expected, list) and len(found) == len(expected):
        return [stored_part(one, other) for one, other in zip(found, expected, strict=True)]
    return found


def test_every_stored_case_still_exists():
    """A new preset has no stored numbers until `python -m tests.golden.cases` is run."""
    assert set(STORED["cases"]) <= set(all_names())


def test_the_numbers_are_those_of_this_results_version():
    assert STORED["results_version"] == results_version()


def test_changed_numbers_are_written_under_a_new_results_version_only():
    name = next(iter(STORED["cases"]))
    changed = {**STORED, "cases": {**STORED["cases"], name: "other numbers"}}
    with pytest.raises(SystemExit, match="raise results_version"):
        refuse_changes(STORED, changed)
    refuse_changes(STORED, {**changed, "results_version": STORED["results_version"] + 1})
    refuse_changes(STORED, {**STORED, "cases": {**STORED["cases"], "a new case": 1}})


@pytest.mark.parametrize("name", STORED["cases"])
def test_numbers_are_as_stored(name, tmp_path):
    found, expected = compute(name, tmp_path), STORED["cases"][name]
    if SAME:
        assert stored_part(found, expected) == expected
    else:
        assert close(found, expected)
