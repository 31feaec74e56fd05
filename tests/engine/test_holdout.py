"""Irreducible losses: every sample is scored by a network that never saw it, and it is charged."""

import torch

from cdfis_bench.core.streams import stream
from cdfis_bench.engine.holdout import HoldoutTraining
from cdfis_bench.engine.meters.cost import CostMeter
from tests.engine.small import setup


def holdout(**changes):
    training = setup("dataset.train_size=400", "large_batch_size=64")
    values = {
        "make_model": training.make_model,
        "make_optimizer": training.make_optimizer,
        "samples": training.dataset.train,
        "batch_size": 32,
        "chunk_size": 64,
        "seed": 0,
        "cost": CostMeter(torch.device("cpu")),
    }
    return HoldoutTraining(**(values | changes))


def test_no_network_sees_the_samples_that_it_scores():
    training = holdout()
    seen, scored = [], []
    train_on, losses = HoldoutTraining._train, HoldoutTraining._losses
    rows_of = {}

    class Watched(HoldoutTraining):
        def _train(self, rows, steps, name):
            model = train_on(self, rows, steps, name)
            rows_of[id(model)] = set(rows.tolist())
            seen.append(rows)
            return model

        def _losses(self, model, rows):
            assert not rows_of[id(model)] & set(rows.tolist())
            scored.append(rows)
            return losses(self, model, rows)

    watched = Watched(**{name: getattr(training, name) for name in HoldoutTraining.__slots__})
    watched.cross_fitted_losses(5)
    assert sorted(torch.cat(scored).tolist()) == sorted(torch.cat(seen).tolist()) == [*range(400)]


def test_its_cost_is_charged_in_samples_and_seconds():
    training = holdout()
    training.cross_fitted_losses(5)
    totals = training.cost.totals()
    assert totals["backward_samples"] == 2 * 5 * 32
    assert totals["forward_samples"] == 2 * 5 * 32 + 400
    assert totals["score_seconds"] == totals["train_seconds"] > 0


def test_same_seed_same_losses_and_training_helps():
    early, late, again = (holdout().cross_fitted_losses(steps) for steps in (1, 200, 200))
    assert torch.equal(late, again)
    assert late.mean() < 0.8 * early.mean()
    assert not torch.equal(late, holdout(seed=1).cross_fitted_losses(200))


def test_the_runs_own_network_is_left_alone():
    training = holdout()
    expected = training.make_model(stream(0, "init"))
    training.cross_fitted_losses(3)
    made = training.make_model(stream(0, "init"))
    assert all(map(torch.equal, expected.parameters(), made.parameters()))
