"""Candidates come in the seed's order, each once per epoch."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.datasets.dataset import TensorSamples
from cdfis_bench.sources.presample import PresampleSource


def source(n=100, large=40, small=10):
    samples = TensorSamples(
        torch.arange(n).float()[:, None], torch.arange(n) % 2, torch.device("cpu")
    )
    return PresampleSource(samples, large, small)


def test_batches_are_small_while_closed_and_large_while_open():
    s, g = source(), stream(0, "order")
    assert [len(s.next(open, g)) for open in (False, True, False)] == [10, 40, 10]


def test_rows_keep_their_index_and_label():
    batch = source().next(True, stream(0, "order"))
    assert torch.equal(batch.x[:, 0].long(), batch.index)
    assert torch.equal(batch.y, batch.index % 2)


def test_one_epoch_offers_every_sample_once():
    s, g = source(), stream(0, "order")
    rows = torch.cat([s.next(False, g).index for _ in range(10)])
    assert sorted(rows.tolist()) == list(range(100))


def test_a_rest_too_small_for_a_batch_is_dropped():
    s, g = source(), stream(0, "order")
    batches = [s.next(True, g).index for _ in range(6)]
    assert all(len(batch.unique()) == 40 for batch in batches)


def test_epochs_differ_and_repeat_with_the_seed():
    def rows(seed):
        s, g = source(), stream(seed, "order")
        return [s.next(False, g).index.tolist() for _ in range(20)]

    first = rows(0)
    assert first == rows(0)
    assert first != rows(1)
    assert first[:10] != first[10:]


def test_closed_order_does_not_depend_on_the_large_batch_size():
    a, b = source(large=40), source(large=80)
    ga, gb = stream(0, "order"), stream(0, "order")
    assert all(torch.equal(a.next(False, ga).index, b.next(False, gb).index) for _ in range(30))


def test_more_candidates_than_samples_are_refused():
    with pytest.raises(UserError, match="large_batch_size=200 exceeds the training set of 100"):
        source(large=200)


def test_state_survives_a_round_trip():
    s, g = source(), stream(0, "order")
    s.next(False, g)
    t, h = source(), stream(0, "order")
    t.load_state_dict(s.state_dict())
    h.set_state(g.get_state())
    assert all(torch.equal(s.next(True, g).index, t.next(True, h).index) for _ in range(5))
