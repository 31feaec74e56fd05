"""Finds the data that a stored run was trained on, and refuses any other.

A record may come from anybody. Of what it says about its dataset only plain values are used; the
class that loads the data is named by this installation, or by the command that was given.
"""

from collections.abc import Mapping
from typing import Any

import torch
from omegaconf import OmegaConf

from cdfis_bench.config.build import make
from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.datasets.dataset import DataSource
from cdfis_bench.datasets.gallery import Gallery
from cdfis_bench.datasets.make_gallery import make_gallery
from cdfis_bench.records.paths import one_component
from cdfis_bench.records.stored_run import StoredRun

# Never taken from a record: what is called, what is downloaded, and where files are written.
_NOT_FROM_A_RECORD = ("_target_", "download", "cache_dir", "facts", "recipe", "target")


class StoredGallery:
    """Loads the training samples of stored runs for figure=importance.

    Args:
        root: Replaces dataset.root of the run, if its data has moved since.
        path: Replaces dataset.path.
        cache_dir: Replaces dataset.cache_dir.
        dataset: The dataset of the current command. It is trusted, and so loads the data of runs on
            a dataset of its name that is not in conf/dataset, such as one in a --config-dir.
    """

    def __init__(
        self,
        root: str | None = None,
        path: str | None = None,
        cache_dir: str | None = None,
        dataset: Mapping[str, Any] | None = None,
    ) -> None:
        self._places = {"root": root, "path": path, "cache_dir": cache_dir}
        self._dataset = dict(dataset or {})

    def __call__(self, run: StoredRun) -> Gallery:
        """Loads the training samples of `run`, from their original place or else from the new one.

        Args:
            run: A stored run.

        Returns:
            The training samples.

        Raises:
            UserError: If its dataset is not known here, or neither place holds data with the
                fingerprint that the run recorded.
        """
        recorded = run.record.data_fingerprint
        require(
            recorded is not None,
            f"{run.name} was written by an earlier version that did not record which data it used; "
            "delete its folder and compute it again",
        )
        then = self._trusted(run)
        moved = {k: v for k, v in self._places.items() if v is not None and k in then}
        now = {**then, **moved}
        reasons = []
        for config in [dict(then)] if now == then else [dict(then), now]:
            try:
                source: DataSource = make("dataset", config)
                found = source.fingerprint()
                if found == recorded:
                    return make_gallery(source.load(torch.device("cpu")))
                reasons.append(f"{_place(config)} holds other data ({found}, not {recorded})")
            except UserError as error:
                reasons.append(str(error))
        key = "dataset.path" if "path" in then else "dataset.root"
        raise UserError(
            f"the samples of {run.name} cannot be shown: {'; '.join(dict.fromkeys(reasons))}; give "
            f"their place with {key}=..., or compute the runs again"
        )

    def _trusted(self, run: StoredRun) -> dict[str, Any]:
        """The configuration of the run's dataset: its plain values, and a class known here."""
        recorded = run.record.config.get("dataset")
        require(
            isinstance(recorded, dict) and isinstance(recorded.get("name"), str),
            f"{run.name} does not name its dataset, so its samples cannot be shown; compute it "
            "again",
        )
        assert isinstance(recorded, dict)
        name = recorded["name"]
        known = self._dataset if self._dataset.get("name") == name else _installed(name)
        require(
            known is not None,
            f"{run.name} was trained on dataset={name}, which is not in conf/dataset, and a stored "
            f"run is not asked how to load it; add dataset={name} to the command (with the "
            "--config-dir that has it)",
        )
        values = {k: v for k, v in (known or {}).items() if k not in ("facts", "recipe")}
        for key, value in recorded.items():
            if key in values and key not in _NOT_FROM_A_RECORD:
                require(
                    _is_plain(value),
                    f"{run.name} has a value of dataset.{key} that is not plain text or a number; "
                    "compute it again",
                )
                values[key] = value
        if self._places["cache_dir"] is not None and "cache_dir" in values:
            values["cache_dir"] = self._places["cache_dir"]
        return values


def _installed(name: str) -> dict[str, Any] | None:
    """The dataset in conf/dataset of this installation; None if there is none of this name."""
    path = conf_dir() / "dataset" / f"{one_component('dataset.name', name)}.yaml"
    if not path.is_file():
        return None
    content = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items() if key != "defaults"}


def _is_plain(value: object) -> bool:
    """Whether a value is data only: nothing to instantiate, no reference to resolve."""
    if isinstance(value, list):
        return all(_is_plain(one) for one in value)
    if isinstance(value, str):
        return "${" not in value
    return value is None or isinstance(value, bool | int | float)


def _place(config: Mapping[str, Any]) -> str:
    return str(config.get("path") or config.get("root") or config["name"])
