"""Run folders with known curves, written as a real run writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.core.summary import Summary
from cdfis_bench.records.claims import claim
from cdfis_bench.records.experiment import Job, note_job
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.run_writer import RunWriter
from cdfis_bench.records.schema import CURVE_COLUMNS, VALIDATION_COLUMNS
from cdfis_bench.records.stored_run import StoredRun

CPU = {"device": "cpu", "device_name": "A processor", "cpu_threads": 1}
GPU = {"device": "cuda", "device_name": "An accelerator", "cpu_threads": 1}


def config(method: str = "loss_cdf", **changes: Any) -> dict[str, Any]:
    """A resolved configuration; changes: dotted keys with two underscores for the dot."""
    values: dict[str, Any] = {
        "dataset": {"name": "two_circles", "train_size": 100, "recipe": {"steps": 9}},
        "selector": {"name": method.rsplit("_", 1)[-1], "form": "mass"},
        "threshold": {"name": "loss_ratio", "fraction": 0.74},
        "optimizer": {"name": "adam", "lr": 0.005},
        "method": method,
        "seed": 0,
        "large_batch_size": 1024,
        "name": "sweep",
        "results_dir": "results",
    }
    for key, value in changes.items():
        *groups, leaf = key.split("__")
        node = values
        for group in groups:
            node = node[group]
        node[leaf] = value
    return values


def run(
    results: Path,
    method: str = "loss_cdf",
    seed: int = 0,
    *,
    arm: str | None = None,
    steps: Sequence[int] = (0, 50, 100),
    accuracy: Sequence[float] = (0.5, 0.7, 0.9),
    step_seconds: float = 0.01,
    gate: int | None = 50,
    fallbacks: int = 0,
    hardware: dict[str, Any] = CPU,
    arrays: dict[str, torch.Tensor] | None = None,
    validation: Sequence[float] | None = None,
    fingerprint: str | None = "",
    **changes: Any,
) -> StoredRun:
    """A finished run. Training loss is 1 - accuracy, null at step 0. validation: accuracies."""
    arm = arm or method
    folder = results / "runs" / f"two_circles-{method}-s{seed}-{arm}"
    with claim(folder) as stored:
        assert stored is None
        record = RunRecord(
            id=f"{arm}-s{seed}",
            arm=arm,
            seed=seed,
            method=method,
            config=config(method, **changes),
            data_fingerprint=fingerprint,
            versions={"torch": "2"},
            commit="abc",
            dirty=False,
            hardware=hardware,
            dataset="Two Circles",
        )
        writer = RunWriter.begin(folder, record)
        row: dict[str, Any] = {}
        columns = [name for name in CURVE_COLUMNS if name not in VALIDATION_COLUMNS]
        for at, (step, value) in enumerate(zip(steps, accuracy, strict=True)):
            row = dict.fromkeys(columns, 0) | {
                "step": step,
                "train_seconds": step * step_seconds,
                "forward_samples": 10 * step,
                "backward_samples": step,
                "gate_open": gate is not None and step >= gate,
                "fallback_count": fallbacks,
                "test_accuracy": value,
                "train_loss": 1 - value if step else None,
            }
            if validation is not None:
                row |= {"validation_accuracy": validation[at], "validation_loss": 1.0}
            writer.row("curve", **row)
        for name, values in (arrays or {}).items():
            writer.array(name, values)
        summary = {"steps": row["step"], "gate_open_step": gate, **row}
        return writer.finish(Summary.from_json(summary))


def patterns(steps: Sequence[int], seed: int = 0) -> dict[str, torch.Tensor]:
    """Arrays of five chosen samples a step."""
    generator = torch.Generator().manual_seed(seed)
    arrays: dict[str, torch.Tensor] = {}
    for step in steps:
        group = f"pattern/{step:06d}"
        arrays[f"{group}/x"] = torch.rand(5, 2, generator=generator)
        arrays[f"{group}/index"] = torch.arange(5) + step
        arrays[f"{group}/prediction"] = torch.tensor([0, 1, 1, 0, 1])
    return arrays


def usage(
    selected: Sequence[int], offered: Sequence[int], predicted: Sequence[int] | None = None
) -> dict[str, torch.Tensor]:
    """Arrays of counts since the gate opened; before it every sample was offered seven times."""
    arrays = {
        "selected_count_open": torch.as_tensor(selected, dtype=torch.int32),
        "offered_count_open": torch.as_tensor(offered, dtype=torch.int32),
        "selected_count": torch.as_tensor(selected, dtype=torch.int32) + 7,
        "offered_count": torch.as_tensor(offered, dtype=torch.int32) + 7,
    }
    if predicted is not None:
        arrays["train_prediction"] = torch.as_tensor(predicted, dtype=torch.int32)
    return arrays


def experiment(*runs: StoredRun, missing: Sequence[tuple[str, str]] = ()) -> Experiment:
    return Experiment("sweep", list(runs), list(missing))


def note(results: Path, number: int, stored: StoredRun | None = None, **job: Any) -> None:
    """The note of a sweep's job: of a finished run, or with what `job` says."""
    values = {"status": "computed", "run": stored.name} if stored else {"status": "failed"}
    note_job(results, "sweep", Job(number, [f"seed={number}"], **(values | job)))
