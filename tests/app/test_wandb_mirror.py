"""W&B's offline log of a sweep says what the run folders say."""

import json
from pathlib import Path

import pytest
import torch

from cdfis_bench.analysis.importance.rates import extremes
from cdfis_bench.datasets.two_circles import TwoCircles
from cdfis_bench.records.stored_run import StoredRun, read_run
from tests.app.command import TINY, cdfis, runs
from tests.trackers.offline_log import LoggedRun, expected_history
from tests.trackers.offline_log import read_run as read_log

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory) -> list[tuple[StoredRun, LoggedRun, Path]]:
    folder = tmp_path_factory.mktemp("mirror")
    tiny = [value for value in TINY if not value.startswith("tracker")]
    result = cdfis(
        folder, "-m", *tiny, "selector=cdf,topk", "seed=0,1", "threshold=always", "name=mirror"
    )
    assert result.returncode == 0, result.stderr
    assert "wandb" not in result.stdout.replace("results/", ""), "the tracker must be quiet"
    pairs = []
    for path in runs(folder):
        stored = read_run(path)
        (log,) = (folder / "results" / "wandb").glob(f"offline-run-*-{stored.record.id}")
        pairs.append((stored, read_log(log), log))
    return pairs


def test_every_row_of_the_curve_is_in_the_log_and_no_others(mirrored):
    assert len(mirrored) == 4
    for stored, log, _ in mirrored:
        rows = [row for row in log.history if "step" in row]
        assert rows == expected_history(stored.rows())


def test_seeds_of_an_arm_share_a_group_and_arms_do_not(mirrored):
    groups = {stored.record.arm: set() for stored, _, _ in mirrored}
    for stored, log, _ in mirrored:
        groups[stored.record.arm].add(log.group)
        assert (log.name, log.job_type, log.project) == (stored.name, "run", "cdfis_bench")
        assert {"two_circles", stored.record.method, "mirror"} <= set(log.tags)
    assert [len(names) for names in groups.values()] == [1, 1]
    assert len(set.union(*groups.values())) == 2


def test_configuration_summary_and_picture_are_those_of_the_run(mirrored):
    for stored, log, folder in mirrored:
        assert log.config["optimizer"]["lr"] == 0.005
        assert log.config["seed"] == stored.record.seed
        for name, value in stored.summary.to_json().items():
            assert log.summary.get(name) == value, name
        assert list((folder / "files" / "media" / "images").glob("curve*.png"))
        assert log.exit_code == 0


def test_the_table_is_the_runs_most_and_least_selected_samples(mirrored):
    labels = TwoCircles(train_size=2048, test_size=256).load(torch.device("cpu")).train.y.numpy()
    for stored, _, folder in mirrored:
        (path,) = (folder / "files" / "media" / "table").glob("selected_samples*.json")
        table = json.loads(path.read_text())
        assert table["columns"] == [
            *("end", "index", "label", "predicted", "selected", "offered", "rate")
        ]
        ends = extremes(stored, labels, 20)
        rows = [[end, *row.values()] for end in ("most", "least") for row in ends[end]]
        assert len(rows) == 40 and table["data"] == rows
