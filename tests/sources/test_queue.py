"""The queue trains on accepted samples only, in their order, and cannot hang."""

import torch

from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Selection
from cdfis_bench.sources.queue import PATIENCE, QueueSource
from tests.sources.fakes import parts, samples


class Above:
    """Accepts the candidates whose score is above a bound."""

    def __init__(self, bound):
        self.bound = bound

    def __call__(self, scores, n, generator):
        return Selection(torch.nonzero(scores > self.bound).squeeze(1), None, torch.tensor(False))


def test_mini_batches_are_full_and_hold_accepted_samples_only():
    table = torch.arange(100).float()
    of, source, order = (
        parts(table, Above(74.5), n=10),
        QueueSource(samples(100), 20, 10),
        stream(0, "o"),
    )
    chosen = [source.choose(True, order, of) for _ in range(30)]
    rows = torch.cat([c.batch.index for c in chosen])
    assert all(len(c.batch) == 10 for c in chosen)
    assert rows.min() >= 75
    # A quarter is accepted, so four candidates are scored for one sample that is trained on.
    offered = sum(len(c.offered) for c in chosen)
    assert abs(offered - 4 * len(rows)) <= 40
    assert torch.bincount(rows)[75:].min() >= 11, "an accepted sample was lost"


def test_it_gives_up_after_a_while():
    of, source = parts(torch.zeros(100), Above(1.0), n=10), QueueSource(samples(100), 20, 10)
    chosen = source.choose(True, stream(0, "order"), of)
    assert len(chosen.batch) == 10 and len(chosen.offered) == 20 * (PATIENCE + 1)


def test_what_waits_survives_a_round_trip():
    table = torch.arange(100).float()
    of, source, order = (
        parts(table, Above(49.5), n=3),
        QueueSource(samples(100), 20, 3),
        stream(0, "o"),
    )
    source.choose(True, order, of)
    other, again = QueueSource(samples(100), 20, 3), stream(0, "x")
    other.load_state_dict(source.state_dict())
    again.set_state(order.get_state())
    for _ in range(5):
        rows = [
            s.choose(True, g, of).batch.index.tolist() for s, g in ((source, order), (other, again))
        ]
        assert rows[0] == rows[1]
