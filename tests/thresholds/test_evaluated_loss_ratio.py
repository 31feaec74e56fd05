"""The authors' start criterion looks at evaluations only."""

from cdfis_bench.core.types import Observation
from cdfis_bench.thresholds.evaluated_loss_ratio import EvaluatedLossRatioThreshold
from tests.engine.small import run


def test_it_opens_below_the_fraction_of_the_first_test_loss_and_stays_open():
    threshold = EvaluatedLossRatioThreshold(0.5)
    seen = []
    for loss in (2.0, 1.2, 1.0, 0.99, 5.0):
        threshold.update(Observation(1, 0.0))
        threshold.on_evaluation(loss)
        seen.append(threshold.open)
    assert seen == [False, False, False, True, True]


def test_in_a_run_the_gate_opens_at_an_evaluation_and_dropout_is_off():
    memory, summary = run("method=reference_code", "threshold.fraction=0.95")
    gate = summary["gate_open_step"]
    assert gate is not None and gate % 10 == 0
    losses = {row["step"]: row["test_loss"] for row in memory.rows}
    assert losses[gate] < 0.95 * losses[0] <= losses[gate - 10]
