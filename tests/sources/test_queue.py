"""The queue trains on accepted samples only, in their order, and cannot hang."""

import torch

from cdfis_bench.core.parts import VariableSizeSelector, Weighting
from cdfis_bench.core.types import Selection
from cdfis_bench.sources.queue import PATIENCE, QueueSource
from tests.sources.fakes import context_of, next_mini_batch, samples


class Above(VariableSizeSelector):
    """Accepts the candidates whose score is above a bound."""

    def __init__(self, bound):
        self.bound = bound

    def __call__(self, scores, n, generator):
        usable = bool(scores.isfinite().all())
        accepted = torch.nonzero(scores > self.bound).squeeze(1)
        return Selection(accepted, fallback=torch.tensor(not usable))


class HalfScore(Weighting):
    """Weighs a sample by half of its score, which is its row here."""

    def __call__(self, selection, k):
        return selection.loss_weights


class AboveWithWeights(Above):
    """The same, with the score as loss weight."""

    gives_loss_weights = True

    def __call__(self, scores, n, generator):
        accepted = super().__call__(scores, n, generator).indices
        return Selection(accepted, loss_weights=scores[accepted])


def test_mini_batches_are_full_and_hold_accepted_samples_only():
    source = QueueSource(samples(100), 20, 10)
    context = context_of(source, torch.arange(100).float(), Above(74.5))
    found = [next_mini_batch(context) for _ in range(30)]
    rows = torch.cat([one.batch.index for one in found])
    assert all(len(one.batch) == 10 for one in found)
    assert rows.min() >= 75
    # A quarter is accepted, so four candidates are scored for one sample that is trained on.
    offered = sum(len(one.offered) for one in found)
    assert abs(offered - 4 * len(rows)) <= 40
    assert torch.bincount(rows)[75:].min() >= 11, "an accepted sample was lost"


def test_it_gives_up_after_a_while():
    context = context_of(QueueSource(samples(100), 20, 10), torch.zeros(100), Above(1.0))
    found = next_mini_batch(context)
    assert len(found.batch) == 10 and len(found.offered) == 20 * (PATIENCE + 1)


def test_the_queue_survives_a_round_trip():
    table = torch.arange(100).float()
    context = context_of(QueueSource(samples(100), 20, 3), table, Above(49.5))
    next_mini_batch(context)
    other = context_of(QueueSource(samples(100), 20, 3), table, Above(49.5))
    other.method.source.load_state_dict(context.method.source.state_dict())
    other.order.set_state(context.order.get_state())
    for _ in range(5):
        rows = [next_mini_batch(one).batch.index.tolist() for one in (context, other)]
        assert rows[0] == rows[1]


def test_every_sample_keeps_the_weight_that_it_was_accepted_with():
    table = torch.arange(100).float()
    context = context_of(
        QueueSource(samples(100), 20, 7), table, AboveWithWeights(74.5), weighting=HalfScore()
    )
    for _ in range(20):
        found = next_mini_batch(context)
        assert torch.equal(found.loss_weights, found.batch.index.float())


def test_what_was_scored_and_accepted_is_reported():
    table = torch.arange(100).float()
    context = context_of(QueueSource(samples(100), 20, 10), table, Above(74.5))
    found = next_mini_batch(context)
    assert torch.equal(found.scores, table[found.offered])
    assert (found.scores[found.selection.indices] > 74.5).all()
    assert len(found.selection.indices) == (found.scores > 74.5).sum()
    assert not found.selection.fallback
    table[50] = torch.nan
    context = context_of(QueueSource(samples(100), 100, 10), table, Above(74.5))
    assert next_mini_batch(context).selection.fallback
