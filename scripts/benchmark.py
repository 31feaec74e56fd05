"""How close a step is to the least it could cost, measured in one process.

    python scripts/benchmark.py [--rounds 9] [--steps 200] [--json benchmark.json]

Floor: a forward pass of K candidates without gradients, a forward and backward pass of N, a fused
Adam step, on
tensors that lie ready: what any method with these parts must pay. Against it: the engine's own
step, as `python -m cdfis_bench` runs it, for each metric and selector, the gate open; and uniform
against its own floor.

One thread. Every round times floor, step, step, floor (A B B A), so that a drifting machine favours
neither; reported is the median of the rounds' ratios with the least and the greatest. First the
floor is timed against itself: beyond 10 % the run is void (exit code 2).
"""

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch.nn.functional import cross_entropy

import cdfis_bench.config.schema  # noqa: F401  (registers the schema)
from cdfis_bench.config.build import build
from cdfis_bench.config.where import conf_dir
from cdfis_bench.engine.cost import CostMeter
from cdfis_bench.engine.loop import Training
from cdfis_bench.engine.step import train_step

CPU = torch.device("cpu")
ARMS = {
    "uniform": ["method=uniform"],
    **{
        f"{metric}_{selector}": [f"metric={metric}", f"selector={selector}", "threshold=none"]
        for metric in ("loss", "grad_norm_bound", "grad_norm_last", "grad_norm")
        for selector in ("topk", "cdf")
    },
}
Work = Callable[[], None]


def setup(overrides: list[str]) -> Training:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", [*overrides, "tracker=none", "device=cpu"])
    return build(OmegaConf.to_container(cfg, resolve=True, enum_to_str=True), CPU)  # type: ignore[arg-type]


def engine_step(training: Training) -> Work:
    method = training.make_method()
    optimizer = training.make_optimizer(training.model.parameters())
    cost = CostMeter(CPU)
    return lambda: (
        train_step(training.model, optimizer, method, training.batch_size, training.streams, cost)
        and None
    )


def floor_step(training: Training, scored: int) -> Work:
    """scored: whether the candidates pass forward without gradients; 0 for uniform sampling."""
    model, n = training.model, training.batch_size
    optimizer = training.make_optimizer(model.parameters())
    rows = torch.arange(training.large_batch_size)
    candidates = training.dataset.train.batch(rows)
    x, y = candidates.x[:n].clone(), candidates.y[:n].clone()

    def work() -> None:
        if scored:
            with torch.no_grad():
                model(candidates.x)
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(model(x), y).backward()
        optimizer.step()

    return work


def seconds(work: Work, steps: int) -> float:
    began = perf_counter()
    for _ in range(steps):
        work()
    return (perf_counter() - began) / steps


def compare(a: Work, b: Work, rounds: int, steps: int) -> dict[str, float]:
    """Ratio b / a, round by round (A B B A), after one round that does not count."""
    ratios, times = [], []
    for index in range(rounds + 1):
        first, second = seconds(a, steps), seconds(b, steps)
        third, fourth = seconds(b, steps), seconds(a, steps)
        if index:
            ratios.append((second + third) / (first + fourth))
            times.append((second + third) / 2)
    return {
        "ratio": statistics.median(ratios),
        "min": min(ratios),
        "max": max(ratios),
        "step_ms": 1000 * statistics.median(times),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=200, help="steps per timing")
    parser.add_argument("--json", type=Path, help="write the table there too")
    options = parser.parse_args()
    torch.set_num_threads(1)

    floors = {scored: setup(ARMS["loss_cdf"]) for scored in (0, 1)}
    same = compare(
        floor_step(floors[1], 1),
        floor_step(setup(ARMS["loss_cdf"]), 1),
        options.rounds,
        options.steps,
    )
    void = abs(same["ratio"] - 1) > 0.10
    table = {"floor / floor": same}
    for arm, overrides in ARMS.items():
        training = setup(overrides)
        floor = floor_step(floors[arm != "uniform"], int(arm != "uniform"))
        table[arm] = compare(floor, engine_step(training), options.rounds, options.steps)

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    about = (
        f"Two Circles, K=1024, N=128, 1 thread, torch {torch.__version__}, {platform.machine()}, "
        f"load {load:.2f}"
    )
    print(f"{about}; {options.rounds} rounds of {options.steps} steps")
    print(f"{'step':24}{'ms':>8}{'/ floor':>10}{'min':>8}{'max':>8}")
    for name, row in table.items():
        print(
            f"{name:24}{row['step_ms']:8.3f}{row['ratio']:10.2f}{row['min']:8.2f}{row['max']:8.2f}"
        )
    if void:
        print("VOID: the floor differs from itself by more than 10 %; run it on an idle machine")
    if options.json:
        options.json.write_text(
            json.dumps({"about": about, "void": void, "table": table}, indent=1)
        )
    return 2 if void else 0


if __name__ == "__main__":
    sys.exit(main())
