"""The data that a stored run was trained on, found again, and no other."""

from collections.abc import Mapping
from typing import Any

import torch

from cdfis_bench.config.build import make
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.datasets.dataset import DataSource
from cdfis_bench.datasets.gallery import Gallery, gallery
from cdfis_bench.records.stored_run import StoredRun


def gallery_of(run: StoredRun, places: Mapping[str, str | None]) -> Gallery:
    """The training samples of `run`, from where it found them or else from `places`.

    places: values for the dataset's keys root, path and cache_dir, should the data have moved; null
    or unknown ones are left out. Raises UserError if neither holds data with the fingerprint that
    the run noted.
    """
    noted = run.record.data_fingerprint
    require(
        noted is not None,
        f"{run.name} was written by an earlier version, which did not note what its data is; "
        "delete its folder and compute it again",
    )
    then: dict[str, Any] = run.record.config["dataset"]
    now = then | {k: v for k, v in places.items() if v is not None and k in then}
    reasons = []
    for config in [then] if now == then else [then, now]:
        try:
            source: DataSource = make("dataset", config)
            found = source.fingerprint()
            if found == noted:
                return gallery(source.load(torch.device("cpu")))
            reasons.append(f"{_place(config)} holds other data ({found}, not {noted})")
        except UserError as error:
            reasons.append(str(error))
    key = "dataset.path" if "path" in then else "dataset.root"
    raise UserError(
        f"the samples of {run.name} cannot be shown: {'; '.join(dict.fromkeys(reasons))}; name "
        f"their place with {key}=..., or compute the runs again"
    )


def _place(config: Mapping[str, Any]) -> str:
    return str(config.get("path") or config.get("root") or config["name"])
