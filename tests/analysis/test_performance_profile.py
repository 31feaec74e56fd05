"""Performance profiles: a hand-computed case, laws, and numerical integration."""

import numpy as np
import pandas as pd
import pytest

from cdfis_bench.analysis.performance_profile import profile, ratios, score

COSTS = pd.DataFrame(
    {"a": [10.0, 40.0, np.inf, np.inf], "b": [20.0, 10.0, 8.0, np.inf], "c": [15, 50, 24, np.inf]}
)


def test_a_hand_computed_case():
    found = ratios(COSTS)
    assert found["a"].tolist() == [1, 4, np.inf, np.inf]
    assert found["b"].tolist() == [2, 1, 1, np.inf] and found["c"].tolist() == [1.5, 5, 3, np.inf]
    assert profile(found["b"].tolist(), [1, 1.9, 2, 4]).tolist() == [0.5, 0.5, 0.75, 0.75]
    # Areas from 1 to 4: a: 3 + 0; b: 2 + 3 + 3; c: 2.5 + 0 + 1; each of 4 x 3.
    scores = [score(found[name].tolist()) for name in "abc"]
    assert scores == pytest.approx([3 / 12, 8 / 12, 3.5 / 12])


def test_the_score_is_the_area_under_the_profile():
    draw = np.random.default_rng(0)
    taus = np.linspace(1, 4, 30001)
    for _ in range(20):
        ratio = np.where(draw.random(5) < 0.2, np.inf, 1 + draw.exponential(1.5, 5)).tolist()
        assert score(ratio) == pytest.approx(np.trapezoid(profile(ratio, taus), taus) / 3, abs=1e-4)


def test_units_and_the_order_of_methods_and_workloads_change_nothing():
    one = ratios(COSTS)
    scaled = COSTS.mul([3.0, 0.1, 7.0, 1.0], axis=0)
    pd.testing.assert_frame_equal(ratios(scaled), one)
    mixed = ratios(COSTS[["c", "a", "b"]].iloc[[2, 0, 3, 1]])
    for method in "abc":
        assert score(mixed[method].tolist()) == pytest.approx(score(one[method].tolist()))


def test_the_fastest_everywhere_has_score_one_and_a_slower_rival_changes_nothing():
    costs = pd.DataFrame({"fast": [1.0, 2.0], "slow": [2.0, 3.0]})
    found = ratios(costs)
    assert score(found["fast"].tolist()) == 1 > score(found["slow"].tolist())
    assert ratios(costs.assign(slower=[9.0, 9.0]))[["fast", "slow"]].equals(found)
