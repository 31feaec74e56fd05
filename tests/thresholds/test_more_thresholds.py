"""Gates that close again, and gates that open after a fixed time."""

import math

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.types import Observation, Sizes, concentration
from cdfis_bench.thresholds.variance_reduction import VarianceReductionThreshold, break_even
from cdfis_bench.thresholds.warmup import WarmupThreshold
from cdfis_bench.thresholds.window import WindowThreshold

SIZES = Sizes(10_000, 1024, 128, torch.device("cpu"))


def states(threshold, taus=(), steps=0, first=1):
    """`open` after each observation of these taus, or of so many steps of a budget of 20."""
    seen = []
    for step, tau in enumerate(taus or [None] * steps, first):
        threshold.update(Observation(step, (step - 1) / 20, 1.0, tau))
        seen.append(threshold.open)
    return seen


def by_tau(**values):
    threshold = VarianceReductionThreshold(**values)
    threshold.setup(SIZES)
    return threshold


def test_concentration_of_known_scores():
    assert concentration(torch.tensor([0.1, 0.2, 0.3, 1.4])).item() == pytest.approx(1.449138)
    assert concentration(torch.full((7,), 0.3)).item() == pytest.approx(1)
    assert concentration(torch.eye(16)[0]).item() == 4


def test_break_even_of_known_sizes():
    assert break_even(1024, 128, 2.0) == pytest.approx(3.666667, abs=1e-6)
    assert break_even(1024, 128, 1.43) == pytest.approx(4.29, abs=0.01)


@pytest.mark.parametrize(("tau", "level", "step"), [(4.0, "auto", 24), (2.5, 2.0, 16)])
def test_a_steady_tau_passes_a_lower_level_late(tau, level, step):
    assert states(by_tau(level=level), [tau] * 30).index(True) + 1 == step
    assert states(by_tau(level=level, debias=True), [tau, tau]) == [True, True]
    assert not any(states(by_tau(level=level, debias=True), [1.9] * 30))


def test_it_closes_when_the_scores_even_out():
    seen = states(by_tau(level=2.0), [4.0] * 20 + [1.0] * 30)
    assert not seen[0] and seen[19] and not seen[-1]
    assert seen == sorted(seen[:20]) + sorted(seen[20:], reverse=True)


def test_a_tau_that_is_no_number_is_passed_over():
    threshold = by_tau(level=2.0, debias=True)
    assert states(threshold, [2.5, math.nan, math.inf, 2.5]) == [True] * 4


def test_window_is_open_between_its_shares_with_breaks():
    plain = states(WindowThreshold(0.25, 0.5, None), steps=20)
    assert plain == [0.25 <= (step - 1) / 20 < 0.5 for step in range(1, 21)]
    every_third = states(WindowThreshold(0.0, 1.0, 3), steps=20)
    # After s finished steps the next one has number s: 0, 3, 6, ... are uniform.
    assert every_third == [step % 3 != 0 for step in range(1, 21)]
    assert WindowThreshold(0.0, 0.5, None).open
    assert not WindowThreshold(0.0, 0.5, 2).open and not WindowThreshold(0.1, 0.5, None).open


def test_warmup_waits_for_steps_or_epochs():
    assert states(WarmupThreshold(3, None), steps=5) == [False, False, True, True, True]
    assert WarmupThreshold(0, None).open
    threshold = WarmupThreshold(None, 1.5)
    threshold.setup(SIZES)  # 10,000 / 128 steps an epoch
    assert states(threshold, steps=130).index(True) + 1 == math.ceil(1.5 * 10_000 / 128)


@pytest.mark.parametrize(
    "make",
    [
        lambda: by_tau(level=1.0),
        lambda: by_tau(level=1.2, debias=True),
        lambda: WindowThreshold(0.2, 0.6, 2),
        lambda: WarmupThreshold(4, None),
    ],
)
def test_state_survives_a_round_trip(make):
    taus = [1.0, 3.0, 2.0, 1.0, 1.0, 4.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0]
    whole = states(make(), taus)
    assert len(set(whole)) == 2
    for cut in range(len(taus)):
        first, second = make(), make()
        states(first, taus[:cut])
        second.load_state_dict(first.state_dict())
        assert second.open == first.open
        assert states(second, taus[cut:], first=cut + 1) == whole[cut:]


@pytest.mark.parametrize(
    "make",
    [
        lambda: VarianceReductionThreshold(level="high"),
        lambda: VarianceReductionThreshold(momentum=1.5),
        lambda: VarianceReductionThreshold(debias="no"),
        lambda: WindowThreshold(0.6, 0.5, None),
        lambda: WindowThreshold(0.0, 1.5, None),
        lambda: WindowThreshold(0.0, 1.0, 1),
        lambda: WarmupThreshold(None, None),
        lambda: WarmupThreshold(5, 1.0),
        lambda: WarmupThreshold(-1, None),
    ],
)
def test_impossible_values_are_refused(make):
    with pytest.raises(UserError, match=r"threshold\.\w+="):
        make()
