"""Which samples are kept: by stored runs' rankings, or at random."""

from dataclasses import replace

import pytest
import torch

from cdfis_bench.config.schema import Config, KeepBy, KeepConfig
from cdfis_bench.core.errors import UserError
from cdfis_bench.datasets.dataset import Dataset, TensorSamples
from cdfis_bench.datasets.subset import Subset, trained_on
from cdfis_bench.records.identity import arm_id
from cdfis_bench.runner.pruning import keep_of
from tests.analysis.fabricate import config, note, run, usage


def learning(presented, learned, forgotten, el2n):
    counts = {"presented_count": presented, "learned_count": learned, "forgotten_count": forgotten}
    arrays = {name: torch.tensor(values, dtype=torch.int32) for name, values in counts.items()}
    everything_taken = usage(presented, presented)
    return {**everything_taken, **arrays, "el2n": torch.tensor(el2n)}


@pytest.fixture
def results(tmp_path):
    """Two seeds of uniform sampling and of loss_cdf on five samples."""
    for seed in range(2):
        arrays = learning(
            presented=[4, 4, 4, 4, 4],
            learned=[1, 2, 1, 0, 1],
            forgotten=[0, 2, 1, 0, 0],
            el2n=[[0.1, 0.9, 0.5, 1.2, 0.2], [0.2, 1.0, 0.5, 1.1, 0.1]][seed],
        )
        note(tmp_path, seed, run(tmp_path, "uniform", seed, arrays=arrays, gate=None))
        counts = usage([3, 40, 9, 70, 5], [80, 80, 80, 80, 80])
        note(tmp_path, 2 + seed, run(tmp_path, "loss_cdf", seed, arrays=counts))
    return tmp_path


def asked(results, by="top_el2n", fraction=0.4, **changes):
    values = config(**changes)
    keep = KeepConfig(fraction, KeepBy(by), "sweep")
    return Config(dataset=values["dataset"], results_dir=str(results), keep=keep)


def dataset(n=5):
    samples = TensorSamples(torch.zeros(n, 2), torch.zeros(n).long(), torch.device("cpu"))
    return Dataset("Points", samples, samples, 2, (2,))


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("top_el2n", [1, 3]),
        ("bottom_el2n", [0, 4]),
        ("top_inclusion", [1, 3]),
        ("bottom_inclusion", [0, 4]),
        ("top_forgetting", [1, 3]),  # 3 was never learned: most forgettable
        ("bottom_forgetting", [0, 4]),
    ],
)
def test_the_most_or_least_important_are_kept(results, by, rows):
    keep = keep_of(asked(results, by), "")
    assert keep.rows.tolist() == rows
    part = keep(dataset(), seed=3).train
    assert part.rows.tolist() == rows


def test_forgetting_takes_never_learned_before_often_forgotten(results):
    assert keep_of(asked(results, "top_forgetting", 0.2), "").rows.tolist() == [3]
    assert keep_of(asked(results, "top_el2n", 0.2), "").rows.tolist() == [3]


def test_a_random_part_is_each_seeds_own_and_the_same_again(tmp_path):
    keep = keep_of(asked(tmp_path, "random", 0.3), "")
    parts = [keep(dataset(1000), seed).train.rows for seed in (0, 0, 1)]
    assert torch.equal(parts[0], parts[1]) and not torch.equal(parts[0], parts[2])
    assert len(parts[0].unique()) == 300 and keep.fingerprint == ""


def test_all_is_all_without_any_ranking(tmp_path):
    whole = dataset()
    assert keep_of(asked(tmp_path, "top_el2n", 1.0), "")(whole, 0) is whole


def test_other_rows_are_another_run_and_the_whole_set_has_its_old_id(results):
    keeps = {by: keep_of(asked(results, by), "") for by in ("top_el2n", "bottom_el2n")}
    assert len({keep.fingerprint for keep in keeps.values()}) == 2
    plain = {**config(), "device": {}}
    all_kept = {**plain, "keep": {"fraction": 1.0, "by": "top_el2n"}, "record_learning": False}
    assert arm_id(all_kept, "cpu") == arm_id(plain, "cpu")
    assert arm_id({**plain, "record_learning": True}, "cpu") != arm_id(plain, "cpu")


@pytest.mark.parametrize("fraction", [0, -0.1, 1.5])
def test_a_fraction_must_be_one(results, fraction):
    with pytest.raises(UserError, match=r"keep.fraction=.* must be a number in \(0, 1\]"):
        keep_of(asked(results, fraction=fraction), "")


def test_without_runs_to_rank_by_it_says_which_to_make(tmp_path):
    with pytest.raises(UserError, match="run experiment=sweep first"):
        keep_of(asked(tmp_path), "")


def test_runs_that_are_missing_or_on_other_data_rank_nothing(results):
    with pytest.raises(UserError, match="was run on other data"):
        keep_of(asked(results), "another")
    with pytest.raises(UserError, match="was run on other data"):
        keep_of(asked(results, dataset__train_size=99), "")
    note(results, 9, error="training diverged")
    with pytest.raises(UserError, match=r"1 of 5 runs of keep\.experiment=sweep are missing"):
        keep_of(asked(results), "")


def test_runs_that_recorded_no_learning_cannot_rank_by_it(tmp_path):
    note(tmp_path, 0, run(tmp_path, arrays=usage([1, 2], [9, 9])))
    with pytest.raises(UserError, match="runs with method=uniform record_learning=true"):
        keep_of(asked(tmp_path, "top_forgetting"), "")
    note(tmp_path, 0, run(tmp_path, "uniform", arrays=learning([1, 2], [1, 1], [0, 0], [0.1, 0.2])))
    with pytest.raises(UserError, match="1 of 2 training samples were seen less than 2 times"):
        keep_of(asked(tmp_path, "top_forgetting"), "")
    with pytest.raises(UserError, match="runs that choose among candidates"):
        keep_of(asked(tmp_path, "top_inclusion"), "")


def test_a_ranking_of_another_number_of_samples_is_refused(results):
    with pytest.raises(UserError, match="ranked 5 training samples, but this dataset has 6"):
        keep_of(asked(results), "")(dataset(6), 0)


def test_ranked_samples_that_are_held_out_for_validation_are_not_trained_on(results):
    keep = keep_of(asked(results, "top_el2n"), "")  # keeps the samples 1 and 3
    whole = dataset()
    held_out = replace(
        trained_on(whole, torch.tensor([0, 3, 4])),
        validation=Subset(whole.train, torch.tensor([1, 2])),
    )
    kept = keep(held_out, seed=0)
    assert kept.train.rows.tolist() == [3] and kept.validation is held_out.validation


def test_runs_without_the_validation_samples_cannot_rank_them(tmp_path):
    run(tmp_path, "uniform", dataset__validation_fraction=0.2)
    stored = run(tmp_path, "loss_cdf", dataset__validation_fraction=0.2)
    note(tmp_path, 0, stored)
    with pytest.raises(UserError, match="rank the whole training set first"):
        keep_of(asked(tmp_path, dataset__validation_fraction=0.2), "")
