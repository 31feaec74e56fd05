"""Dataset pruning: the part of the training set that a run is trained on."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cdfis_bench.config.schema import Config, KeepBy
from cdfis_bench.core.errors import UserError, require, require_number
from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Samples
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.datasets.subset import Subset, trained_on
from cdfis_bench.records.identity import IGNORED_KEYS
from cdfis_bench.records.paths import one_component
from cdfis_bench.records.stored_run import StoredRun, read_run

if TYPE_CHECKING:
    from cdfis_bench.analysis.experiment import Experiment


@dataclass(frozen=True, slots=True)
class Keep:
    """The samples of a training set that are kept.

    Attributes:
        fraction: Fraction of the training set, in (0, 1].
        rows: Indices of the kept samples, sorted; None for a random part.
        of: Number of samples that were ranked; None for a random part.
    """

    fraction: float = 1.0
    rows: NDArray[np.int64] | None = None
    of: int | None = None

    @property
    def fingerprint(self) -> str:
        """Identifies the rows; empty for a random part, which the configuration determines."""
        if self.rows is None:
            return ""
        return f"-{hashlib.sha256(self.rows.tobytes()).hexdigest()[:10]}"

    def __call__(self, dataset: Dataset, seed: int) -> Dataset:
        """`dataset` with its training set reduced to the kept samples.

        Args:
            dataset: The whole dataset.
            seed: Of the run; a random part is drawn from its stream "keep".

        Returns:
            The dataset.

        Raises:
            UserError: If the ranked samples were those of a training set of another size. Samples
                that are held out for validation are not trained on, also if they are ranked high.
        """
        if self.fraction == 1:
            return dataset
        n, held_out = len(dataset.train), dataset.validation
        if self.rows is None:
            order = torch.randperm(n, generator=stream(seed, "keep"))
            return trained_on(dataset, order[: kept_samples(n, self.fraction)].sort().values)
        whole = n if held_out is None else n + len(held_out)
        require(
            self.of == whole,
            f"keep.experiment ranked {self.of} training samples, but this dataset has {whole}; run "
            "it again on this data",
        )
        rows = torch.from_numpy(self.rows)
        if held_out is not None:
            rows = _places(rows, dataset.train)
        return trained_on(dataset, rows)


def _places(rows: Tensor, part: Samples) -> Tensor:
    """Where those of `rows` that are in `part` stand there; both count in the whole set."""
    assert isinstance(part, Subset)
    return torch.isin(part.rows.cpu(), rows).nonzero()[:, 0]


def kept_samples(n: int, fraction: float) -> int:
    """Number of samples kept of `n`, at least one."""
    return max(1, round(n * fraction))


def keep_of(config: Config, data_fingerprint: str) -> Keep:
    """The samples that a configuration keeps.

    Ranked samples are the same for every seed; a random part is different for each.

    Args:
        config: The configuration of the run.
        data_fingerprint: Identifies the whole data.

    Returns:
        The samples to keep.

    Raises:
        UserError: If there are no runs to rank the samples by.
    """
    keep = config.keep
    fraction = require_number("keep.fraction", keep.fraction, 0, 1, open_low=True)
    if fraction == 1 or keep.by == KeepBy.random:
        return Keep(fraction)
    end, measure = keep.by.value.split("_")
    folders = tuple(run.folder for run in _ranking_runs(config, data_fingerprint))
    ranks = _ranks(folders, measure)
    if ranks is None:
        needed = (
            "runs that choose among candidates"
            if measure == "inclusion"
            else "runs with method=uniform record_learning=true"
        )
        raise UserError(
            f"no run of keep.experiment={keep.experiment} has what keep.by={keep.by.value} needs: "
            f"{needed}"
        )
    order = np.argsort(-ranks if end == "top" else ranks, kind="stable")
    rows = np.sort(order[: kept_samples(len(ranks), fraction)])
    return Keep(fraction, rows, len(ranks))


@lru_cache(maxsize=8)  # every job of a sweep needs the same ranks
def _ranks(folders: tuple[Path, ...], measure: str) -> NDArray[np.float64] | None:
    from cdfis_bench.analysis.sample_scores import (
        mean_ranks,  # importing pandas takes half a second
    )

    return mean_ranks([run for folder in folders if (run := read_run(folder))], measure)


def require_ranked(results_dir: Path, name: str) -> "Experiment":
    """The experiment whose runs rank the samples.

    Args:
        results_dir: The store of runs.
        name: Name of the experiment.

    Returns:
        The experiment, which is complete.

    Raises:
        UserError: If it has no runs, or some are missing.
    """
    from cdfis_bench.analysis.experiment import load_experiment

    experiment = load_experiment(results_dir, one_component("keep.experiment", name))
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


def _ranking_runs(config: Config, data_fingerprint: str) -> list[StoredRun]:
    """Raises UserError as require_ranked does, or if the experiment used other data."""
    name = config.keep.experiment
    experiment = require_ranked(Path(config.results_dir), name)
    other = [
        run
        for run in experiment.runs
        if run.record.data_fingerprint != data_fingerprint
        or _identity(run.record.config["dataset"]) != _identity(config.dataset)
        or run.kept_fraction != 1
        or run.validation_fraction != 0
    ]
    require(
        not other,
        f"keep.experiment={name} was run on other data than dataset={config.dataset['name']} is "
        "now, or on a part of it; rank the whole training set first: experiment=prune_scores "
        "with a name of its own and dataset.validation_fraction=0",
    )
    return experiment.runs


def _identity(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a dataset's configuration that decide what the whole data is."""
    other = (*IGNORED_KEYS, "dataset.validation_fraction")
    return {key: value for key, value in dataset.items() if f"dataset.{key}" not in other}
