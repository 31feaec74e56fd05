"""Forgetting events against a plain count, EL2N against known values; recording changes nothing."""

import pytest
import torch
from torch import nn

from cdfis_bench.datasets.dataset import TensorSamples
from cdfis_bench.engine.loop import train
from cdfis_bench.engine.meters.learning import LearningMeter, error_norms
from cdfis_bench.records.schema import LEARNING_ARRAYS, SAMPLE_ARRAYS
from tests.engine.small import Memory, numbers, run, setup
from tests.engine.test_resume import saved_copy


def counted(steps, n):
    """Toneva et al. 2018, algorithm 1, sample by sample."""
    before = [0] * n
    counts = {name: [0] * n for name in LEARNING_ARRAYS if name != "el2n"}
    for rows, right in steps:
        for row in sorted(set(rows)):
            now = all(r for other, r in zip(rows, right, strict=True) if other == row)
            counts["presented_count"][row] += 1
            counts["learned_count"][row] += now and not before[row]
            counts["forgotten_count"][row] += before[row] and not now
            before[row] = now
    return counts


def test_events_are_those_of_a_plain_count_with_repeats_in_the_mini_batch():
    generator = torch.Generator().manual_seed(0)
    learning, steps = LearningMeter(12, torch.device("cpu")), []
    for _ in range(200):
        rows = torch.randint(0, 12, (6,), generator=generator)
        labels = torch.randint(0, 3, (6,), generator=generator)
        logits = torch.rand(6, 3, generator=generator) + 0.6 * nn.functional.one_hot(labels, 3)
        learning.add(rows, labels, logits)
        steps.append((rows.tolist(), (logits.argmax(1) == labels).tolist()))
    expected = counted(steps, 12)
    assert min(expected["forgotten_count"]) >= 5, "nothing to count"
    assert {name: values.tolist() for name, values in learning.arrays().items()} == expected


def test_error_norms_have_their_known_values():
    """Two rows of logits worked out by hand: q = softmax(z), length of q - onehot(y)."""
    z = torch.tensor([[1.0, 2.0, 3.0], [2.0, 0.0, -torch.inf]])
    samples = TensorSamples(z, torch.tensor([2, 0]), torch.device("cpu"))
    found = error_norms(nn.Identity(), samples, chunk_size=1)
    assert found.tolist() == pytest.approx([0.424336, 0.168578], abs=1e-6)


def test_recording_changes_no_number_and_sees_every_mini_batch():
    plain, _ = run("method=uniform")
    recorded, _ = run("method=uniform", "record_learning=true")
    assert numbers(recorded.rows) == numbers(plain.rows)
    assert list(recorded.arrays) == [
        *list(SAMPLE_ARRAYS)[:-1],
        *LEARNING_ARRAYS,
        list(SAMPLE_ARRAYS)[-1],
    ]
    arrays = recorded.arrays
    assert torch.equal(arrays["presented_count"], arrays["selected_count"]), "without repeats"
    assert 0 < arrays["el2n"].min() and arrays["el2n"].max() < 2**0.5


def test_a_resumed_run_records_what_an_uninterrupted_one_does():
    overrides = (
        "method=loss_cdf",
        "threshold=always",
        "record_learning=true",
        "checkpoint_every=20",
    )
    whole, states = Memory(), []
    train(setup(*overrides), whole, save=lambda state: states.append(saved_copy(state)))
    rest = Memory()
    train(setup(*overrides), rest, saved=states[0])
    assert all(torch.equal(rest.arrays[name], whole.arrays[name]) for name in LEARNING_ARRAYS)


def test_el2n_is_taken_at_the_first_evaluation_after_a_tenth_of_the_budget():
    """The network at step 10 of 40, got by a run that ends there."""
    early = setup("method=uniform", "budget.steps=10")
    train(early, Memory())
    recorded, _ = run("method=uniform", "record_learning=true")
    expected = error_norms(early.model, early.dataset.train, 4096)
    assert torch.equal(recorded.arrays["el2n"], expected)


def test_a_sample_that_is_trained_on_twice_in_a_step_was_presented_once():
    recorded, _ = run("method=loss_cdf", "threshold=always", "record_learning=true")
    arrays = recorded.arrays
    assert (arrays["presented_count"] <= arrays["selected_count"]).all()
    assert arrays["presented_count"].sum() < arrays["selected_count"].sum() == 40 * 32
