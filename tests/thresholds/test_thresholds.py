"""The gate opens when it should, once."""

import pytest

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.types import Observation
from cdfis_bench.thresholds.fixed import FixedThreshold
from cdfis_bench.thresholds.loss_ratio import LossRatioThreshold


def states(threshold, losses):
    seen = []
    for step, loss in enumerate(losses, 1):
        threshold.update(Observation(step, mean_loss=loss))
        seen.append(threshold.open)
    return seen


def test_loss_ratio_opens_strictly_below_the_fraction_and_stays_open():
    seen = states(LossRatioThreshold(0.5), [2.0, 1.2, 1.01, 1.0, 0.99, 5.0])
    assert seen == [False, False, False, False, True, True]


def test_fraction_zero_never_opens():
    assert not any(states(LossRatioThreshold(0), [2.0, 1e-9, 0.0]))


def test_the_first_loss_is_never_below_itself():
    assert states(LossRatioThreshold(1.0), [2.0, 1.99]) == [False, True]


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), "half", None, True])
def test_impossible_fractions_are_refused(fraction):
    with pytest.raises(UserError, match=r"threshold\.fraction="):
        LossRatioThreshold(fraction)


def test_state_survives_a_round_trip():
    losses = [2.0, 1.2, 0.9, 3.0]
    for cut in range(len(losses)):
        first, second = LossRatioThreshold(0.5), LossRatioThreshold(0.5)
        states(first, losses[:cut])
        second.load_state_dict(first.state_dict())
        assert second.open == first.open
        assert states(second, losses[cut:]) == states(first, losses[cut:])


@pytest.mark.parametrize("open", [True, False])
def test_fixed_thresholds_stay(open):
    assert states(FixedThreshold(open), [2.0, 0.0]) == [open, open]
