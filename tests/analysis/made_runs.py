"""Runs with known curves, written through the real recorder."""

from pathlib import Path

import numpy as np
import torch

from cdfis_bench.records.experiment import Job, note_job
from cdfis_bench.records.run_folder import RunFolder, claim
from cdfis_bench.records.schema import CURVE_COLUMNS
from cdfis_bench.records.stored_run import StoredRun

HARDWARE = {"device": "cpu", "device_name": "Test CPU", "cpu_threads": 1}


def make_run(
    results: Path,
    arm: str,
    seed: int,
    *,
    method: str = "loss_cdf",
    accuracies: tuple[float, ...] = (0.5, 0.7, 0.9),
    seconds_per_step: float = 0.01,
    gate: int | None = None,
    config: dict | None = None,
    hardware: dict = HARDWARE,
    pattern: np.ndarray | None = None,
) -> StoredRun:
    """Evaluations every 10 steps; training loss 1 - accuracy, unknown at step 0."""
    folder = results / "runs" / f"{arm}-s{seed}"
    with claim(folder):
        run = RunFolder(folder)
        run.begin(
            {
                "id": f"{arm}-s{seed}",
                "arm": arm,
                "seed": seed,
                "method": method,
                "dataset": "Made Data",
                "config": config or {},
                "hardware": hardware,
                "versions": {"torch": "0"},
                "commit": None,
                "dirty": None,
            }
        )
        for i, accuracy in enumerate(accuracies):
            row = dict.fromkeys(CURVE_COLUMNS, 0)
            row |= {"step": 10 * i, "train_seconds": 10 * i * seconds_per_step}
            row |= {"test_accuracy": accuracy, "train_loss": 1 - accuracy if i else None}
            row |= {"forward_samples": 100 * i, "backward_samples": 10 * i}
            run.row("curve", **row)
        if pattern is not None:
            run.array("pattern/000000/x", torch.tensor(pattern))
            run.array("pattern/000000/index", torch.arange(len(pattern)))
            run.array("pattern/000000/prediction", torch.arange(len(pattern)) % 2)
        steps = 10 * (len(accuracies) - 1)
        return run.finish(
            {
                "steps": steps,
                "test_accuracy": accuracies[-1],
                "train_seconds": steps * seconds_per_step,
                "gate_open_step": gate,
                "fallback_count": 0,
            }
        )


def note(results: Path, name: str, runs: list[StoredRun]) -> None:
    """Makes `runs` the jobs of the experiment `name`."""
    for number, run in enumerate(runs):
        note_job(results, name, Job(number, [f"job={number}"], "computed", "m", run.name))
