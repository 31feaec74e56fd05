"""Dataset pruning: which part of the training set a run is trained on."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.streams import stream
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.datasets.subset import trained_on
from cdfis_bench.records.identity import DENY
from cdfis_bench.records.stored_run import StoredRun, read_run

if TYPE_CHECKING:
    from cdfis_bench.analysis.experiment import Experiment


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept of a training set. rows: sorted; None: a random part of this size.

    of: the number of samples that were ranked; None where none were.
    """

    fraction: float = 1.0
    rows: NDArray[np.int64] | None = None
    of: int | None = None

    @property
    def fingerprint(self) -> str:
        """Of the rows; "" where the configuration says it all."""
        if self.rows is None:
            return ""
        return f"-{hashlib.sha256(self.rows.tobytes()).hexdigest()[:10]}"

    def __call__(self, dataset: Dataset, seed: int) -> Dataset:
        """`dataset`, its training set cut down. Random rows come from the stream `keep`."""
        if self.fraction == 1:
            return dataset
        n = len(dataset.train)
        if self.rows is None:
            order = torch.randperm(n, generator=stream(seed, "keep"))
            return trained_on(dataset, order[: kept_samples(n, self.fraction)].sort().values)
        require(
            self.of == n,
            f"keep.experiment ranked {self.of} training samples, but this dataset has {n}; run it "
            "again on this data",
        )
        return trained_on(dataset, torch.from_numpy(self.rows))


def kept_samples(n: int, fraction: float) -> int:
    return max(1, round(n * fraction))


def keep_of(config: dict[str, Any], data: str) -> Keep:
    """What `config` keeps. data: fingerprint of the whole data.

    The kept are the same for every seed where they were ranked, and each seed's own where they are
    random. Raises UserError if there is nothing to rank by.
    """
    keep = config["keep"]
    fraction = require_number("keep.fraction", keep["fraction"], 0, 1, open_low=True)
    if fraction == 1 or keep["by"] == "random":
        return Keep(fraction)
    end, measure = keep["by"].split("_")
    ranks = _ranks(tuple(run.folder for run in _ranking_runs(config, data)), measure)
    require(
        ranks is not None,
        f"no run of keep.experiment={keep['experiment']} has what keep.by={keep['by']} needs: "
        + (
            "runs that choose among candidates"
            if measure == "inclusion"
            else "runs with method=uniform record_learning=true"
        ),
    )
    order = np.argsort(-ranks if end == "top" else ranks, kind="stable")
    rows = np.sort(order[: kept_samples(len(ranks), fraction)])
    return Keep(fraction, rows, len(ranks))


@lru_cache(maxsize=8)  # a sweep asks for the same ones in every job
def _ranks(folders: tuple[Path, ...], measure: str) -> NDArray[np.float64] | None:
    from cdfis_bench.analysis.sample_scores import mean_ranks  # pandas takes half a second

    return mean_ranks([run for folder in folders if (run := read_run(folder))], measure)


def require_ranked(results_dir: Path, name: str) -> "Experiment":
    """The experiment that ranks the samples. Raises UserError if it has runs missing, or none."""
    from cdfis_bench.analysis.experiment import load_experiment

    experiment = load_experiment(results_dir, name)
    require(
        bool(experiment.runs),
        f"keep.experiment={name} has no finished runs in {results_dir} to rank the samples by; run "
        f"experiment={name} first",
    )
    require(
        not experiment.missing,
        f"{len(experiment.missing)} of {experiment.asked_for} runs of keep.experiment={name} are "
        f"missing; complete it first: experiment={name}",
    )
    return experiment


def _ranking_runs(config: dict[str, Any], data: str) -> list[StoredRun]:
    """Raises UserError as require_ranked does, or if the experiment ran on other data."""
    name = config["keep"]["experiment"]
    experiment = require_ranked(Path(config["results_dir"]), name)
    other = [
        run
        for run in experiment.runs
        if run.record.data_fingerprint != data
        or _data(run.record.config["dataset"]) != _data(config["dataset"])
        or run.kept_fraction != 1
    ]
    require(
        not other,
        f"keep.experiment={name} was run on other data than dataset={config['dataset']['name']} is "
        "now; rank this data first: experiment=prune_scores with a name of its own",
    )
    return experiment.runs


def _data(dataset: dict[str, Any]) -> dict[str, Any]:
    """What of a dataset's configuration decides what it is."""
    return {key: value for key, value in dataset.items() if f"dataset.{key}" not in DENY}
