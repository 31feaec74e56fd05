"""Freed memory is reused: its pages are not requested from the system again."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from cdfis_bench.backends.allocator import keep_freed_memory
if not keep_freed_memory():
    sys.exit(5)
def step():  # as in a network: activations that are all freed at the end
    activations = [torch.zeros(2_000_000) for layer in range(20)]
for _ in range(4):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted on Linux")
def test_freed_memory_is_used_again():
    """By default, one process in three requests all 40,000 pages again in every step."""
    for _ in range(3):
        result = subprocess.run(
            [sys.executable, "-c", FAULTS], capture_output=True, text=True, timeout=60
        )
        if result.returncode == 5:
            pytest.skip("not glibc")
        assert result.returncode == 0, result.stderr
        assert int(result.stdout) < 400
