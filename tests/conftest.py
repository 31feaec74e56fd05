"""One torch thread: small networks are five times slower with two threads on a busy machine."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read by torch at import, and by child processes

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_global_draws():
    """No code under test may draw from, or seed, torch's global generator."""
    before = torch.default_generator.get_state()
    yield
    assert torch.equal(torch.default_generator.get_state(), before), "the global generator was used"
