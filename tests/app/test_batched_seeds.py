"""`hydra/launcher=batched_seeds`: the same run folders, several seeds at once."""

import pytest

from cdfis_bench.records.stored_run import read_run
from tests.app.command import TINY, cdfis, runs
from tests.engine.small import numbers

SWEEP = ["-m", *TINY, "threshold=always", "method=uniform,loss_cdf", "seed=range(0,2)", "name=few"]
ENSEMBLE = "hydra/launcher=batched_seeds"


@pytest.mark.slow
def test_seeds_at_once_write_the_folders_of_single_runs(tmp_path):
    together, alone = tmp_path / "together", tmp_path / "alone"
    together.mkdir(), alone.mkdir()
    result = cdfis(together, *SWEEP, ENSEMBLE)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert "1 thread, 2 seeds trained at once" in result.stdout
    assert cdfis(alone, *SWEEP).returncode == 0
    assert [run.name for run in runs(together)] == [run.name for run in runs(alone)]
    for one, other in zip(map(read_run, runs(together)), map(read_run, runs(alone)), strict=True):
        assert one.record.launcher == "batched_seeds"
        assert one.record.hardware == other.record.hardware | {"seeds_at_once": 2}
        assert one.record.config == other.record.config
        for row, single in zip(numbers(one.rows()), numbers(other.rows()), strict=True):
            row, single = (
                {k: v for k, v in values.items() if v is not None} for values in (row, single)
            )
            assert row == pytest.approx(single, abs=2e-3)  # float32: sums in another order

    before = {run: (run / "run.json").stat().st_mtime_ns for run in runs(together)}
    again = cdfis(together, *SWEEP, "seed=range(0,3)", ENSEMBLE)
    assert again.returncode == 0, again.stderr
    assert {run: (run / "run.json").stat().st_mtime_ns for run in before} == before
    assert len(runs(together)) == 6


@pytest.mark.slow
def test_what_cannot_be_shared_is_said_once_and_fails_every_seed(tmp_path):
    result = cdfis(tmp_path, *SWEEP, "method=loss_cdf", "budget.train_seconds=5", ENSEMBLE)
    assert result.returncode == 1
    assert result.stdout.count("failed: ") == 1 and "share a clock" in result.stdout
    assert [read_run(run).record.status for run in runs(tmp_path)] == ["failed"] * 2
