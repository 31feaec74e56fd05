"""Importance: rates, ranking, agreement and chance, against hand-made numbers and SciPy."""

import time

import numpy as np
import pytest
from scipy.stats import spearmanr

from cdfis_bench.analysis.importance.findings import findings_of
from cdfis_bench.analysis.importance.null import agreement, by_chance, top_shares
from cdfis_bench.analysis.importance.ranking import importance, importance_of, sample_table
from cdfis_bench.analysis.importance.rates import extremes, rates, sample_counts
from cdfis_bench.analysis.importance.shares import class_shares, rate_histogram
from cdfis_bench.core.errors import UserError
from tests.analysis.fabricate import run, usage


def wanted(n, seeds, concentration, rng):
    """Counts [S, n] of samples whose true chances differ; concentration 0: all alike."""
    chance = np.exp(concentration * rng.normal(size=n))
    chance /= chance.mean() * 8
    offered = rng.poisson(12, (seeds, n))
    return rng.poisson(chance * offered), offered


def test_rates_are_shrunk_towards_the_mean_share():
    selected, offered = np.array([1, 40, 0, 0, 4]), np.array([1, 50, 0, 19, 20])
    m = 45 / 90
    expected = [(s + 5 * m) / (o + 5) for s, o in zip(selected, offered, strict=True)]
    found = rates(selected, offered)
    assert np.allclose(found, expected)
    assert found[1] > found[0], "one offer that was taken does not outrank forty of fifty"
    assert found[2] == m, "never offered: nothing is known"
    assert np.allclose(rates(selected, offered, 1e-9)[[0, 1, 3]], [1, 0.8, 0], atol=1e-6)


def test_counts_are_those_since_the_gate_opened(tmp_path):
    stored = run(tmp_path, arrays=usage([0, 3], [4, 4], [1, 0]))
    found = sample_counts(stored)
    assert found.selected.tolist() == [0, 3] and found.offered.tolist() == [4, 4]
    assert found.predicted.tolist() == [1, 0]


@pytest.mark.parametrize("same", [[0, 0, 0], [4, 1, 0]], ids=["gate closed", "takes every offer"])
def test_a_run_that_never_chose_has_no_importance(tmp_path, same):
    stored = run(tmp_path, "uniform", arrays=usage(same, same, [0, 0, 0]))
    assert sample_counts(stored) is None and extremes(stored, np.zeros(3, int), 2) is None
    with pytest.raises(UserError, match=r"uniform: no run selected .*figure\.method"):
        importance_of([stored])


def test_the_ends_of_one_run_are_its_most_and_least_selected_samples(tmp_path):
    stored = run(tmp_path, arrays=usage([9, 0, 2, 0, 5], [9, 9, 9, 20, 9], [1, 0, 1, 0, 1]))
    ends = extremes(stored, np.array([0, 1, 1, 1, 0]), 2)
    assert [row["index"] for row in ends["most"]] == [0, 4]
    assert [row["index"] for row in ends["least"]] == [3, 1]
    m = 16 / 56
    assert ends["most"][1] == {
        **{"index": 4, "label": 0, "predicted": 1, "selected": 5, "offered": 9},
        "rate": pytest.approx((5 + 5 * m) / 14),
    }


def test_the_ranking_averages_the_ranks_of_the_seeds_and_not_their_rates():
    # Sample 0 is far ahead in one seed and last in the other two; 1 is second in all three.
    selected = np.array([[900, 20, 10, 5], [0, 20, 30, 5], [0, 20, 30, 5]])
    found = importance([4, 7, 9], selected, np.full((3, 4), 1000))
    assert found.ranks.tolist() == [[1, 2, 3, 4], [4, 2, 1, 3], [4, 2, 1, 3]]
    labels, predicted = np.array([0, 1, 1, 0]), np.array([[0, 1, 2, 3], [1, 1, 2, 0], [1, 0, 0, 3]])
    table = sample_table(found, labels, predicted)
    assert table["index"].tolist() == [0, 1, 2, 3] and table["label"].tolist() == [0, 1, 1, 0]
    assert table["rank"].tolist() == [3, 2, 1, 4]
    assert np.allclose(table["mean_rank"], [3, 2, 5 / 3, 10 / 3])
    assert table["predicted"].tolist() == [1, 1, 2, 3]
    assert np.allclose(table["predicted_share"], [2 / 3] * 4)
    assert table["selected"].tolist() == [900, 60, 70, 15] and (table["offered"] == 3000).all()
    assert np.allclose(table["rate"], found.rates.mean(0))
    assert np.allclose(table["rate_sd"], found.rates.std(0, ddof=1))


def test_equal_samples_share_their_rank_and_are_listed_by_index():
    found = importance([0], np.array([[0, 3, 0, 0]]), np.array([[4, 4, 4, 4]]))
    assert found.ranks.tolist() == [[3, 1, 3, 3]]
    table = sample_table(found, np.zeros(4, int), np.zeros((1, 4), int))
    assert table["rank"].tolist() == [2, 1, 3, 4] and table["rate_sd"].isna().all()


def test_agreement_is_spearmans_correlation_of_every_pair_of_seeds():
    selected, offered = wanted(400, 3, 0.7, np.random.default_rng(1))
    found = importance([3, 5, 8], selected, offered)
    said = agreement(found)
    assert list(said.pairs) == [(3, 5), (3, 8), (5, 8)]
    for (a, b), value in zip([(0, 1), (0, 2), (1, 2)], said.pairs.values(), strict=True):
        assert value == pytest.approx(spearmanr(found.rates[a], found.rates[b]).statistic)
    assert said.mean == pytest.approx(np.mean([*said.pairs.values()]))


def test_one_seed_agrees_with_nobody():
    said = agreement(importance([0], np.array([[1, 2]]), np.array([[5, 5]])))
    assert said.pairs == {} and np.isnan(said.mean)


def test_the_reliability_foretells_how_other_seeds_rank():
    """Ten seeds against ten others, whose correlation with one another is small."""
    selected, offered = wanted(5000, 20, 0.4, np.random.default_rng(2))
    halves = [
        importance([*range(10)], selected[part], offered[part])
        for part in (slice(0, 10), slice(10, 20))
    ]
    said = agreement(halves[0])
    observed = spearmanr(halves[0].mean_rank, halves[1].mean_rank).statistic
    assert said.mean < 0.3 and said.reliability == pytest.approx(observed, abs=0.04)


def test_samples_that_are_all_alike_look_like_luck_and_others_do_not():
    """Steps that draw 32 of 256 candidates with equal chances: 12 offers a sample."""
    rng = np.random.default_rng(3)
    offered, alike = np.zeros((2, 3, 5000), int)
    for seed in range(3):
        for _ in range(12 * 5000 // 256):
            candidates = rng.choice(5000, 256, replace=False)
            np.add.at(offered[seed], candidates, 1)
            np.add.at(alike[seed], rng.choice(candidates, 32), 1)
    found = importance([0, 1, 2], alike, offered)
    chance = by_chance(found)
    assert abs(agreement(found).mean) < 0.03 and abs(agreement(chance).mean) < 0.03
    assert np.allclose(top_shares(found.selected), top_shares(chance.selected), atol=0.02)
    assert chance.rates.std() == pytest.approx(found.rates.std(), rel=0.05)
    selected, offered = wanted(5000, 3, 1.0, rng)
    real = importance([0, 1, 2], selected, offered)
    assert agreement(real).mean > 0.4 and abs(agreement(by_chance(real)).mean) < 0.03
    assert (top_shares(real.selected) > top_shares(by_chance(real).selected) + 0.1).all()


def test_top_shares_by_hand():
    selected = np.array([[0, 5, 1, 1, 1, 1, 1, 0, 0, 0], [1] * 10])
    assert np.allclose(top_shares(selected), [0.5, 0.1])
    assert np.allclose(top_shares(selected, 0.2), [0.6, 0.2])


def test_class_shares_and_histogram_by_hand():
    selected, offered = (
        np.array([[1, 3, 0, 0], [2, 2, 0, 4]]),
        np.array([[2, 2, 2, 2], [4, 4, 0, 8]]),
    )
    found = importance([0, 1], selected, offered)
    shares = class_shares(found, np.array([0, 1, 0, 1]), 3)
    assert shares["samples"].tolist() == [0.5, 0.5, 0]
    assert shares["offered"].tolist() == [0.375, 0.625, 0]
    assert shares["selected"].tolist() == [0.25, 0.75, 0], "0.25 and 0.75 in both seeds"
    assert np.allclose(shares["selected_high"] - shares["selected"], 0)
    bins = rate_histogram(found, found, bins=4)
    assert bins["samples"].sum() == 4 and (bins["samples"] == bins["by_chance"]).all()
    assert bins["high"].iloc[-1] == found.rates.mean(0).max()


def test_a_seed_whose_gate_stayed_closed_is_left_out(tmp_path):
    runs = [
        run(tmp_path, seed=2, arrays=usage([3, 0], [4, 4], [1, 0])),
        run(tmp_path, seed=0, arrays=usage([0, 0], [0, 0], [1, 0])),
        run(tmp_path, seed=1, arrays=usage([2, 1], [4, 4])),  # an older one, without predictions
    ]
    found, predicted = importance_of(runs)
    assert found.seeds == [1, 2] and found.selected.tolist() == [[2, 1], [3, 0]]
    assert predicted.tolist() == [[-1, -1], [1, 0]]


def test_ten_seeds_of_the_size_of_patchcamelyon_take_seconds(tmp_path):
    rng = np.random.default_rng(0)
    selected, offered = wanted(262_144, 10, 0.5, rng)
    labels = rng.integers(0, 2, 262_144)
    runs = [
        run(tmp_path, seed=seed, arrays=usage(selected[seed], offered[seed], labels))
        for seed in range(10)
    ]
    began = time.process_time()  # of this process: the machine may be busy
    found = findings_of(runs, labels, 2, 5.0)
    assert len(found.table) == 262_144
    assert time.process_time() - began < 10  # measured: 1.5 s
    assert found.numbers()["rank_correlation"]["mean"] > 0.2
