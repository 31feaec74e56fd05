"""What only a GPU can show. Skipped without one."""

import pytest
import torch

from cdfis_bench.config.build import build
from cdfis_bench.core.streams import stream
from cdfis_bench.datasets.images import ImageSamples
from cdfis_bench.engine.loop import train
from cdfis_bench.engine.meters.lagged_reader import LAG
from cdfis_bench.engine.state import RunState
from cdfis_bench.engine.step import train_step
from tests.engine.small import Memory, configured, numbers

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
ARMS = ["uniform", "loss_topk", "loss_cdf", "grad_norm_topk", "grad_norm_cdf"]
GPU = torch.device("cuda")


def on_gpu(*overrides):
    return build(configured("device=cuda", *overrides), GPU)


@pytest.mark.parametrize("arm", ARMS)
def test_a_step_makes_the_host_wait_for_nothing(arm):
    gate = [] if arm == "uniform" else ["threshold=always"]
    state = RunState(on_gpu(f"method={arm}", *gate))

    def step():
        train_step(state.context, state.optimizer)

    for _ in range(3):  # allocations and first launches may wait
        step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("arm", ARMS)
def test_the_same_run_twice_is_equal_bit_for_bit(arm):
    rows = []
    for _ in range(2):
        memory = Memory()
        train(on_gpu(f"method={arm}", "threshold.fraction=0.95"), memory)
        rows.append(numbers(memory.rows))
    assert rows[0] == rows[1]


def test_a_gate_opens_a_fixed_number_of_steps_later_than_on_a_cpu():
    overrides = ["method=loss_cdf", "threshold.fraction=0.9999", "budget.steps=60"]
    there = train(on_gpu(*overrides), Memory())["gate_open_step"]
    assert there > LAG


@pytest.mark.parametrize("resident", [True, False])
def test_images_are_the_same_wherever_they_lie(resident, monkeypatch):
    monkeypatch.setattr("cdfis_bench.datasets.staging.SHARE", 1.0 if resident else 0.0)
    generator = stream(0, "images")
    images = torch.randint(0, 256, (500, 8, 8, 3), dtype=torch.uint8, generator=generator)
    y = torch.arange(500) % 2
    there, here = (
        ImageSamples(images, y, (0.5,) * 3, (0.2,) * 3, torch.device(d)) for d in ("cuda", "cpu")
    )
    assert there.index_device.type == ("cuda" if resident else "cpu")
    for seed in range(5):
        index = torch.randperm(500, generator=stream(seed, "rows"))[:64]
        a, b = there.batch(index.to(there.index_device)), here.batch(index)
        assert torch.equal(a.index.cpu(), b.index) and torch.equal(a.y.cpu(), b.y)
        assert torch.allclose(a.x.cpu(), b.x, atol=1e-6)
