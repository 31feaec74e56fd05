"""Reading, averaging and drawing a thousand runs."""

import json
import math
import shutil
import tempfile
from pathlib import Path
from time import perf_counter

import torch

from cdfis_bench.analysis.experiment import load_experiment
from cdfis_bench.analysis.summary_table import summary_text
from cdfis_bench.core.summary import Summary
from cdfis_bench.figures.curves import Curves
from cdfis_bench.records.checksums import sealed, sha256
from cdfis_bench.records.claims import claim
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.run_writer import RunWriter
from cdfis_bench.records.schema import CURVE_COLUMNS

METHODS = ("uniform", "loss_topk", "loss_cdf", "grad_norm_topk", "grad_norm_cdf")


def seconds_to_draw(runs: int, rows: int) -> float:
    """From the files of an experiment to its table and its figure over steps and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        _write(results, runs, rows)
        began = perf_counter()
        experiment = load_experiment(results, "many")
        summary_text(experiment)
        Curves(x=["step", "train_seconds"]).draw(experiment, results / "figures")
        taken = perf_counter() - began
        assert len(experiment.runs) == runs
        return taken


def _write(results: Path, runs: int, rows: int) -> None:
    """Run folders as a sweep of five methods leaves them; one is recorded, the others are copies
    with their own names and numbers.
    """
    pattern = results / "pattern"
    config = {"dataset": {"name": "two_circles"}, "selector": {"name": "cdf"}}
    record = RunRecord(
        id="pattern-s0",
        arm="pattern",
        seed=0,
        method="pattern",
        config=config,
        versions={"torch": torch.__version__},
        hardware={"device": "cpu", "device_name": "a processor", "cpu_threads": 1},
        dataset="made-up curves",
    )
    summary = dict.fromkeys(("steps", *CURVE_COLUMNS), 1) | {"gate_open_step": 30}
    with claim(pattern):
        writer = RunWriter.begin(pattern, record)
        writer.array("selected_count", torch.zeros(50_000, dtype=torch.int32))
        writer.finish(Summary.from_json(summary))
    values = json.loads((pattern / "run.json").read_text()) | {"curve_rows": rows}
    jobs = results / "experiments" / "many" / "jobs"
    jobs.mkdir(parents=True)
    for number in range(runs):
        method, seed = METHODS[number % len(METHODS)], number // len(METHODS)
        name = f"two_circles-{method}-s{seed}-{method}"
        folder = results / "runs" / name
        folder.mkdir(parents=True)
        shutil.copy(pattern / "arrays.h5", folder)
        own = {"id": f"{method}-s{seed}", "arm": method, "method": method, "seed": seed}
        own["config"] = config | {"method": method, "seed": seed}
        curve = "".join(_row(i, rows, number) for i in range(rows))
        (folder / "curve.jsonl").write_text(curve)
        own["checksums"] = values["checksums"] | {"curve.jsonl": sha256(curve.encode())}
        (folder / "run.json").write_text(sealed(values | own))
        job = {"number": number, "overrides": [f"seed={seed}"], "status": "computed", "run": name}
        (jobs / f"{number:05d}.json").write_text(json.dumps(job))


def _row(i: int, rows: int, number: int) -> str:
    values = dict.fromkeys(CURVE_COLUMNS, 0.0123456789012345 * i)
    values |= {"step": 10 * i, "train_seconds": i * (0.01 + number * 1e-6), "gate_open": i > 5}
    values |= {"train_loss": math.exp(-i / rows) if i else None, "test_accuracy": 1 - 0.5 / (1 + i)}
    return json.dumps(values) + "\n"
