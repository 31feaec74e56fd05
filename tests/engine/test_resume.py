"""A run that was interrupted goes on as if it had not been, bit for bit."""

import io

import pytest
import torch

from cdfis_bench.engine.loop import train
from tests.engine.small import Memory, numbers, setup

METHODS = [
    ["method=uniform"],
    ["method=loss_topk"],
    ["method=loss_cdf"],
    ["method=grad_norm_topk"],
    ["method=grad_norm_cdf"],
    ["metric=memory", "source=dataset", "weighting=unbiased", "source.rebuild_every=4"],
    ["metric=memory", "source=epoch_subset", "selector=mean_cut", "dataset.train_size=600"],
]


def saved_copy(state):
    """As it would come back from a file."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("at", [7, 20])
@pytest.mark.parametrize("method", METHODS, ids="-".join)
def test_a_resumed_run_equals_an_uninterrupted_one(method, at):
    """at: before the gate opens or on an evaluation; the gate opens in between or after."""
    overrides = [*method, f"checkpoint_every={at}", "pattern_every=15"]
    overrides += [] if "method=uniform" in method else ["threshold.fraction=0.95"]
    whole, states = Memory(), []
    expected = train(setup(*overrides), whole, save=lambda s: states.append(saved_copy(s)))

    rest = Memory()
    summary = train(setup(*overrides), rest, saved=states[0])

    assert states[0]["step"] == at
    assert numbers([summary]) == numbers([expected])
    later = [row for row in whole.rows if row["step"] > at]
    assert numbers(rest.rows) == numbers(later)
    assert all(torch.equal(rest.arrays[name], whole.arrays[name]) for name in rest.arrays)
    assert {"selected_count", "pattern/000030/x"} <= rest.arrays.keys()


def test_dropout_and_running_statistics_go_on_where_they_were():
    """The noise stream is lent to torch while a run trains: its state must be saved too."""

    def with_noise():
        training = setup("method=loss_cdf", "threshold=none", "checkpoint_every=15")
        training.model.insert(2, torch.nn.Dropout(0.5))
        training.model.insert(1, torch.nn.BatchNorm1d(50))
        return training

    whole, states = Memory(), []
    expected = train(with_noise(), whole, save=lambda s: states.append(saved_copy(s)))
    assert numbers([train(with_noise(), Memory(), saved=states[0])]) == numbers([expected])
