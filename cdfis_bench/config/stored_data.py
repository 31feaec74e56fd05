"""Finds the data that a stored run was trained on."""

from collections.abc import Mapping
from typing import Any

import torch

from cdfis_bench.config.build import make
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.datasets.dataset import DataSource
from cdfis_bench.datasets.gallery import Gallery, gallery
from cdfis_bench.records.stored_run import StoredRun


def gallery_of(stored: StoredRun, places: Mapping[str, str | None]) -> Gallery:
    """The training samples of a stored run, verified by their fingerprint.

    Args:
        stored: The run.
        places: Where the data lies now, if it was moved: values for the dataset's keys root, path
            and cache_dir. Nulls and keys that the dataset does not have are ignored.

    Returns:
        The samples, from their original place or else from `places`.

    Raises:
        UserError: If neither place holds data with the recorded fingerprint.
    """
    noted = stored.record.data_fingerprint
    require(
        noted is not None,
        f"{stored.name} was written by an earlier version, which did not note what its data is; "
        "delete its folder and compute it again",
    )
    then: dict[str, Any] = stored.record.config["dataset"]
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
        f"the samples of {stored.name} cannot be shown: {'; '.join(dict.fromkeys(reasons))}; say "
        f"where they are with {key}=..., or compute the runs again"
    )


def _place(config: Mapping[str, Any]) -> str:
    return str(config.get("path") or config.get("root") or config["name"])
