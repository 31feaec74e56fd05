"""Finds the data that a stored run was trained on, and refuses any other."""

from collections.abc import Mapping
from typing import Any

import torch

from cdfis_bench.config.build import make
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.datasets.dataset import DataSource
from cdfis_bench.datasets.gallery import Gallery
from cdfis_bench.datasets.make_gallery import make_gallery
from cdfis_bench.records.stored_run import StoredRun


class StoredGallery:
    """Loads the training samples of stored runs for figure=importance.

    Args:
        root: Replaces dataset.root of the run, if its data has moved since.
        path: Replaces dataset.path.
        cache_dir: Replaces dataset.cache_dir.
    """

    def __init__(
        self, root: str | None = None, path: str | None = None, cache_dir: str | None = None
    ) -> None:
        self._places = {"root": root, "path": path, "cache_dir": cache_dir}

    def __call__(self, run: StoredRun) -> Gallery:
        """Loads the training samples of `run`, from their original place or else from the new one.

        Args:
            run: A stored run.

        Returns:
            The training samples.

        Raises:
            UserError: If neither place holds data with the fingerprint that the run recorded.
        """
        recorded = run.record.data_fingerprint
        require(
            recorded is not None,
            f"{run.name} was written by an earlier version that did not record which data it used; "
            "delete its folder and compute it again",
        )
        then: Mapping[str, Any] = run.record.config["dataset"]
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


def _place(config: Mapping[str, Any]) -> str:
    return str(config.get("path") or config.get("root") or config["name"])
