"""The memory of the last scores: last values or moving averages, free of charge."""

import torch

from cdfis_bench.core.types import Batch, MiniBatch, Sizes, StepEnd
from cdfis_bench.metrics.memory import Memory

CPU = torch.device("cpu")


def shown(memory, rows, losses, step=1):
    """Trains, as it were, on `rows` whose two-class losses are `losses`."""
    rows, losses = torch.tensor(rows), torch.tensor(losses)
    # Of logits (0, b) and class 0 the loss is log(1 + e^b).
    logits = torch.stack([torch.zeros(len(rows)), losses.expm1().log()], dim=1)
    batch = Batch(torch.zeros(len(rows), 1), torch.zeros(len(rows), dtype=torch.long), rows)
    memory.on_step_end(StepEnd(step, 0.0, MiniBatch(batch), logits, losses))


def started(**values):
    memory = Memory(**values)
    memory.setup(Sizes(5, 4, 2, CPU))
    return memory


def test_the_last_value_counts_and_the_unseen_have_the_mean_of_the_seen():
    memory = started()
    assert memory.table().tolist() == [1.0] * 5
    shown(memory, [0, 3], [0.5, 1.5], step=1)
    shown(memory, [3], [2.5], step=4)
    assert torch.allclose(memory.table(), torch.tensor([0.5, 1.5, 1.5, 2.5, 1.5]))
    assert memory.last_step().tolist() == [1, -1, -1, 4, -1]


def test_a_moving_average_begins_with_the_first_value():
    memory = started(keep=0.9)
    shown(memory, [2], [1.0])
    shown(memory, [2], [2.0])
    assert torch.allclose(memory.table()[2], torch.tensor(0.9 * 1.0 + 0.1 * 2.0))


def test_repeats_in_a_mini_batch_count_once():
    memory = started(keep=0.5)
    shown(memory, [1, 1], [2.0, 2.0])
    shown(memory, [1, 1], [4.0, 4.0])
    assert torch.allclose(memory.table()[1], torch.tensor(3.0))


def test_of_several_scores_of_a_sample_in_a_mini_batch_the_last_counts():
    """Dropout gives copies different scores; what is stored must not depend on write order."""
    memory = started()
    shown(memory, [1, 4, 1, 2, 1], [2.0, 9.0, 3.0, 8.0, 5.0])
    assert torch.allclose(memory.table()[[1, 2, 4]], torch.tensor([5.0, 8.0, 9.0]))
    assert memory._last_places(torch.tensor([3, 0, 3])).tolist() == [2, 1, 2]


def test_loaded_candidates_are_looked_up_by_their_row():
    memory = started()
    shown(memory, [4, 0], [0.25, 0.75])
    batch = Batch(torch.zeros(2, 1), torch.zeros(2, dtype=torch.long), torch.tensor([0, 4]))
    assert torch.allclose(memory(None, batch), torch.tensor([0.75, 0.25]))


def test_state_survives_a_round_trip():
    memory, other = started(), started()
    shown(memory, [4, 0], [0.25, 0.75], step=9)
    other.load_state_dict(memory.state_dict())
    assert torch.equal(memory.table(), other.table())
    assert torch.equal(memory.last_step(), other.last_step())
