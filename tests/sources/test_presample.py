"""Candidates come in the seed's order, each once per epoch."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.shuffled import ShuffledRows
from cdfis_bench.core.streams import stream
from cdfis_bench.datasets.dataset import TensorSamples
from cdfis_bench.sources.presample import PresampleSource


def rows_of(seed, sizes, n=100):
    rows, generator = ShuffledRows(n), stream(seed, "order")
    return [rows.next(size, generator) for size in sizes]


def test_one_epoch_offers_every_sample_once():
    assert sorted(torch.cat(rows_of(0, [10] * 10)).tolist()) == list(range(100))


def test_a_rest_too_small_for_a_batch_is_dropped():
    assert all(len(rows.unique()) == 40 for rows in rows_of(0, [40] * 6))


def test_epochs_differ_and_repeat_with_the_seed():
    first = [rows.tolist() for rows in rows_of(0, [10] * 20)]
    assert first == [rows.tolist() for rows in rows_of(0, [10] * 20)]
    assert first != [rows.tolist() for rows in rows_of(1, [10] * 20)]
    assert first[:10] != first[10:]


def test_state_survives_a_round_trip():
    rows, generator = ShuffledRows(100), stream(0, "order")
    rows.next(10, generator)
    others, other = ShuffledRows(100), stream(0, "order")
    others.load_state_dict(rows.state_dict())
    other.set_state(generator.get_state())
    for _ in range(5):
        assert torch.equal(rows.next(40, generator), others.next(40, other))


def test_more_candidates_than_samples_are_refused():
    samples = TensorSamples(torch.zeros(100, 1), torch.zeros(100).long(), torch.device("cpu"))
    with pytest.raises(UserError, match="large_batch_size=200 exceeds the training set of 100"):
        PresampleSource(samples, 200, 10)
