"""Seeds trained at once end where they would have ended alone."""

import dataclasses

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.datasets.dataset import TensorSamples
from cdfis_bench.engine.batched_seeds.stacked_model import StackedModel
from cdfis_bench.engine.batched_seeds.train import check_batched_seeds, train_batched_seeds
from cdfis_bench.engine.loop import train
from tests.engine.small import Memory, numbers, setup

SEEDS = range(3)
ARMS = [
    ["method=uniform"],
    ["method=loss_cdf"],  # gates open at different steps
    ["metric=grad_norm", "selector=topk", "threshold=always", "+optimizer.weight_decay=0.1"],
    ["metric=loss", "selector=cdf", "weighting=unbiased", "threshold=always"],
]


def double(*overrides):
    """A training in float64."""
    training = setup(*overrides)
    training.model.double()
    for samples in (training.dataset.train, training.dataset.test):
        assert isinstance(samples, TensorSamples)
        samples.x = samples.x.double()
    return training


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm[0])
def test_every_seed_is_that_of_its_single_run(arm):
    together = [double(*arm, f"seed={seed}") for seed in SEEDS]
    memories = [Memory() for _ in SEEDS]
    summaries = train_batched_seeds(together, memories)
    for seed, at_once, memory, summary in zip(SEEDS, together, memories, summaries, strict=True):
        alone, own = double(*arm, f"seed={seed}"), Memory()
        expected = train(alone, own)
        for one, other in zip(at_once.model.parameters(), alone.model.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
        assert len(memory.rows) == len(own.rows)
        for row, single in zip(numbers(memory.rows), numbers(own.rows), strict=True):
            assert {k for k in row if row[k] is None} == {k for k in single if single[k] is None}
            known = {k: v for k, v in single.items() if v is not None}
            assert {k: row[k] for k in known} == pytest.approx(known, rel=1e-12, abs=1e-12)
        assert summary["gate_open_step"] == expected["gate_open_step"]
        assert memory.arrays.keys() == own.arrays.keys()
        for name, values in own.arrays.items():
            assert torch.equal(memory.arrays[name], values), name


def test_seconds_are_shares_of_the_common_ones():
    seeds = [setup("method=loss_cdf", f"seed={seed}") for seed in SEEDS]
    summaries = train_batched_seeds(seeds, [Memory() for _ in SEEDS])
    updates = [summary["update_seconds"] for summary in summaries]
    assert len(set(updates)) == 1 and updates[0] > 0


def test_any_network_without_draws_and_memory_can_be_stacked():
    def network():
        return torch.nn.Sequential(
            torch.nn.Conv2d(1, 3, 3),
            torch.nn.GroupNorm(1, 3),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Linear(48, 2),
        ).double()

    generator = stream(0, "test")
    with drawing_from(generator):
        models = [network() for _ in SEEDS]
    stack = StackedModel(models)
    x = torch.randn(len(SEEDS), 5, 1, 6, 6, dtype=torch.float64, generator=generator)
    expected = torch.stack([model(own) for model, own in zip(models, x, strict=True)])
    torch.testing.assert_close(stack(x), expected, rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        stack.parameters[0].mul_(2)  # what an optimizer does is seen by the networks
    expected = torch.stack([model(own) for model, own in zip(models, x, strict=True)])
    torch.testing.assert_close(stack(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layer", [torch.nn.Dropout(), torch.nn.BatchNorm1d(2)])
def test_layers_that_draw_or_remember_are_refused(layer):
    with pytest.raises(UserError, match="cannot be trained at once"):
        StackedModel([torch.nn.Sequential(layer)] * 2)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["budget.train_seconds=5"], "share a clock"),
        (["budget.uniform_steps=5"], "share a clock"),
        (["checkpoint_every=10"], "checkpoint_every=10 saves single runs only"),
        (["optimizer._target_=torch.optim.Adafactor", "~optimizer.fused"], "Adafactor may look"),
    ],
)
def test_what_cannot_be_shared_is_refused_with_the_reason(overrides, message):
    with pytest.raises(UserError, match=message) as caught:
        check_batched_seeds(setup(*overrides))
    assert "hydra/launcher=pool" in str(caught.value)


def test_convolutions_on_a_cpu_are_refused_as_slower():
    with drawing_from(stream(0, "test")):
        network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3))
    with pytest.raises(UserError, match=r"1\.8 times as long on a CPU"):
        check_batched_seeds(dataclasses.replace(setup(), model=network))


def test_a_seed_that_diverges_is_named():
    seeds = [setup("optimizer.lr=1e30", "method=uniform", f"seed={seed}") for seed in SEEDS]
    with pytest.raises(UserError, match="seed 0: training diverged"):
        train_batched_seeds(seeds, [Memory() for _ in SEEDS])


def test_scores_of_batched_seeds_are_made_in_the_scoring_dtype():
    """bfloat16 changes what is selected, at once as alone."""
    alone = {}
    for dtype in ("float32", "bfloat16"):
        overrides = ("method=loss_cdf_now", f"scoring_dtype={dtype}")
        memories = [Memory() for _ in SEEDS]
        train_batched_seeds([setup(*overrides, f"seed={seed}") for seed in SEEDS], memories)
        alone[dtype] = memories[1].rows[-1]["test_loss"]
    assert alone["float32"] != alone["bfloat16"]


def test_batched_seeds_know_their_break_even():
    overrides = ("method=loss_cdf", "threshold.fraction=0.95")
    seeds = [setup(*overrides, f"seed={seed}") for seed in SEEDS]
    summaries = train_batched_seeds(seeds, [Memory() for _ in SEEDS])
    single = train(setup(*overrides, "seed=1"), Memory())
    assert single["break_even"] is not None
    assert summaries[1]["break_even"] == pytest.approx(single["break_even"])
    assert all(summary["step_cost"] > 1 for summary in summaries)
