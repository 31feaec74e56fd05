"""What a configuration asks for: one run, with the folder that it belongs in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from cdfis_bench.config.build import check_values, fingerprint
from cdfis_bench.config.device import find_device
from cdfis_bench.config.schema import Config, read_config, resolve
from cdfis_bench.core.errors import require
from cdfis_bench.records.code_identity import code_of
from cdfis_bench.records.identity import arm_id, run_name, without_ignored
from cdfis_bench.records.paths import one_component
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.runner.pruning import Keep, keep_of


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A run that is to be computed, unless its folder holds it already.

    Attributes:
        config: The configuration of the run.
        resolved: The same as plain values, for the id and for run.json.
        device: Where it is computed.
        data_fingerprint: Identifies the whole data, before pruning.
        keep: The part of the training set to train on.
        code: Identifies the code outside this package (records/code_identity.py).
        arm: Hash of the configuration without its seed.
        folder: The folder that the run is written to.
    """

    config: Config
    resolved: dict[str, Any]
    device: torch.device
    data_fingerprint: str
    keep: Keep
    code: dict[str, str]
    arm: str
    folder: Path

    def record(self, provenance: dict[str, Any]) -> RunRecord:
        """The record that the run begins with.

        Args:
            provenance: Fields that say what it is computed with (records/provenance.py).
        """
        return RunRecord(
            id=f"{self.arm}-s{self.config.seed}",
            arm=self.arm,
            seed=self.config.seed,
            method=self.config.method,
            config=self.resolved,
            data_fingerprint=self.data_fingerprint,
            code=self.code,
            **provenance,
        )


def plan_run(cfg: DictConfig) -> RunPlan:
    """The run that a composed configuration asks for.

    Args:
        cfg: The configuration that Hydra passes to a job.

    Returns:
        The plan. Nothing is written, and no data is loaded.

    Raises:
        UserError: If a value cannot work, or the data is missing.
    """
    resolved = resolve(cfg)
    config = read_config(resolved)
    _check_names(config)
    check_values(config)
    device = find_device(config.device["name"])
    code = code_of(without_ignored(resolved))  # before a part is loaded, as it will be
    data = fingerprint(config)
    keep = keep_of(config, data)
    arm = arm_id(resolved, device.type, data + keep.fingerprint, code)
    run = one_component("dataset.name and method", run_name(resolved, arm), max_characters=200)
    folder = Path(config.results_dir) / "runs" / run
    return RunPlan(config, resolved, device, data, keep, code, arm, folder)


def _check_names(config: Config) -> None:
    """Raises UserError if a value that becomes part of a path is more than a name."""
    one_component("name", config.name)
    one_component("method", config.method)
    require("name" in config.dataset, "dataset has no name; give one: dataset.name=my_data")
    one_component("dataset.name", config.dataset["name"])
    one_component("keep.experiment", config.keep.experiment)
    if config.redraw is not None:
        one_component("redraw", config.redraw)
    require(bool(config.results_dir.strip()), "results_dir is empty; name a folder")
