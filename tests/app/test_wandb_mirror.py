"""W&B's offline log of a sweep says what the run folders say."""

from pathlib import Path

import pytest

from cdfis_bench.records.stored_run import StoredRun, read_run
from tests.app.command import TINY, cdfis, runs
from tests.trackers.offline_log import LoggedRun, expected_history
from tests.trackers.offline_log import read_run as read_log


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory) -> list[tuple[StoredRun, LoggedRun, Path]]:
    folder = tmp_path_factory.mktemp("mirror")
    tiny = [value for value in TINY if not value.startswith("tracker")]
    result = cdfis(folder, "-m", *tiny, "selector=cdf,topk", "seed=0,1", "name=mirror")
    assert result.returncode == 0, result.stderr
    assert "wandb" not in result.stdout.replace("results/", ""), "the tracker must be quiet"
    pairs = []
    for path in runs(folder):
        stored = read_run(path)
        (log,) = (folder / "results" / "wandb").glob(f"offline-run-*-{stored.card['id']}")
        pairs.append((stored, read_log(log), log))
    return pairs


def test_every_row_of_the_curve_is_in_the_log_and_no_others(mirrored):
    assert len(mirrored) == 4
    for stored, log, _ in mirrored:
        rows = [row for row in log.history if "step" in row]
        assert rows == expected_history(stored.rows())


def test_seeds_of_an_arm_share_a_group_and_arms_do_not(mirrored):
    groups = {stored.card["arm"]: set() for stored, _, _ in mirrored}
    for stored, log, _ in mirrored:
        groups[stored.card["arm"]].add(log.group)
        assert (log.name, log.job_type, log.project) == (stored.name, "run", "cdfis_bench")
        assert {"two_circles", stored.card["method"], "mirror"} <= set(log.tags)
    assert [len(names) for names in groups.values()] == [1, 1]
    assert len(set.union(*groups.values())) == 2


def test_configuration_summary_and_picture_are_those_of_the_run(mirrored):
    for stored, log, folder in mirrored:
        assert log.config["optimizer"]["lr"] == 0.005
        assert log.config["seed"] == stored.card["seed"]
        for name, value in stored.card["summary"].items():
            assert log.summary.get(name) == value, name
        assert list((folder / "files" / "media" / "images").glob("curve*.png"))
        assert log.exit_code == 0
