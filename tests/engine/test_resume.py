"""A run that was interrupted goes on as if it had not been, bit for bit."""

import io

import pytest
import torch

from cdfis_bench.config.where import conf_dir
from cdfis_bench.engine.loop import train
from tests.engine.small import Memory, numbers, resolved, setup

# Presets whose gate would stay closed on Two Circles, or for half of the run.
OPENING = {
    "kf18_bound": ["threshold.level=1.01", "threshold.debias=true"],
    "kf18_bound_3n": ["threshold.level=1.01", "threshold.debias=true"],
    "kf18_loss": ["threshold.level=1.02", "threshold.debias=true"],
    "kf18_loss_3n": ["threshold.level=1.02", "threshold.debias=true"],
    "loss_cdf_tau": ["threshold.level=1.02", "threshold.debias=true"],
    "sb_composer": ["threshold.start=0.3"],
    "reference_code": ["threshold.fraction=0.95"],
    **{
        name: ["threshold.epochs=null", "threshold.steps=12"]
        for name in ("lh15", "adambs", "rais", "selective_backprop")
    },
}
PRESETS = sorted(path.stem for path in (conf_dir() / "method").glob("*.yaml"))
LAW = ["metric=memory", "source=dataset", "weighting=unbiased", "source.rebuild_every=4"]
METHODS = [
    *([f"method={name}", *OPENING.get(name, [])] for name in PRESETS),
    LAW,
    [*LAW, "selector=bandit"],
    [*LAW, "selector=robust_linear"],
    [*LAW, "selector=rank_exponential", "selector.end_pressure=1"],
    ["source=queue", "selector=percentile_bernoulli"],
    ["metric=memory", "source=epoch_subset", "selector=mean_cut", "dataset.train_size=600"],
]

EARLY = [["method=uniform"], ["method=loss_cdf"], LAW]
CASES = [*((method, 20) for method in METHODS), *((method, 7) for method in EARLY)]


def saved_copy(state):
    """As it would come back from a file."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize(
    ("method", "at"),
    CASES,
    ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
)
def test_a_resumed_run_equals_an_uninterrupted_one(method, at):
    """at: before the gate opens or on an evaluation; the gate opens in between or after."""
    overrides = [*method, f"checkpoint_every={at}", "pattern_every=15"]
    gate = resolved(*overrides)["threshold"]["name"]
    overrides += ["threshold.fraction=0.95"] if gate == "loss_ratio" else []
    whole, states = Memory(), []
    expected = train(setup(*overrides), whole, save=lambda s: states.append(saved_copy(s)))

    rest = Memory()
    summary = train(setup(*overrides), rest, saved=states[0])

    assert states[0]["step"] == at
    assert numbers([summary.to_json()]) == numbers([expected.to_json()])
    later = [row for row in whole.rows if row["step"] > at]
    assert numbers(rest.rows) == numbers(later)
    assert all(torch.equal(rest.arrays[name], whole.arrays[name]) for name in rest.arrays)
    last = (expected.steps - 1) // 15 * 15  # presets with a smaller budget end before step 30
    assert at > last or f"pattern/{last:06d}/x" in rest.arrays
    assert "selected_count" in rest.arrays
    opens = resolved(*overrides)["method"] != "uniform"
    assert (expected["gate_open_step"] is not None) == opens


def test_dropout_and_running_statistics_go_on_where_they_were():
    """The noise stream is lent to torch while a run trains: its state must be saved too."""

    def with_noise():
        training = setup("method=loss_cdf", "threshold=always", "checkpoint_every=15")
        training.model.insert(2, torch.nn.Dropout(0.5))
        training.model.insert(1, torch.nn.BatchNorm1d(50))
        return training

    whole, states = Memory(), []
    expected = train(with_noise(), whole, save=lambda s: states.append(saved_copy(s)))
    resumed = train(with_noise(), Memory(), saved=states[0])
    assert numbers([resumed.to_json()]) == numbers([expected.to_json()])
