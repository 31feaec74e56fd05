"""The identity of a run: a hash of everything that its numbers depend on."""

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.budget_factor import FACTORS, product

# Keys that do not change a run's numbers. A key that is missing from this list costs a needless
# recomputation; a key missing from a list of those that matter would put two different runs into
# one folder.
IGNORED_KEYS = (
    "seed",  # part of the folder's name: all seeds of an arm share its id
    "method",  # a label derived from other keys
    "method_title",
    "method_color",
    "preset",
    "tracker",
    "wandb",
    "results_dir",
    "size",  # affects a run through other keys only
    "name",
    "redraw",
    "force",
    "figure",
    "checkpoint_every",
    "keep.experiment",  # the rows that it selects are part of the data's fingerprint
    "keep.equal",  # affects a run through its budget
    "dataset.facts",  # affect a run through other keys only
    "dataset.recipe",
    "dataset.target",  # of figures
    "dataset.root",  # the location of the data does not count; its fingerprint does
    "dataset.path",
    "dataset.download",
    "dataset.cache_dir",
    "dataset.title",
)
NO_AUGMENT = "cdfis_bench.augments.none.NoAugment"

# Dropout of the networks that had some before there was a key for it; 0 for the others.
_DROPOUT_WITHOUT_KEY = {"cnn": 0.5}


def arm_id(
    config: Mapping[str, Any],
    device_type: str,
    data_fingerprint: str = "",
    code: Mapping[str, str] | None = None,
) -> str:
    """Identifies a configuration, leaving out its seed.

    Args:
        config: The fully resolved configuration, as plain values.
        device_type: The device that is used: cpu, cuda or mps.
        data_fingerprint: Identifies the data where files decide what it is.
        code: Identifies the code outside this package (records/code_identity.py).

    Returns:
        10 hexadecimal digits.
    """
    kept = without_ignored(config)
    # Left out while they have no effect, so that adding such a key does not change existing ids.
    if kept.get("keep", {}).get("fraction") == 1:
        del kept["keep"]
    if not kept.get("dataset", {}).get("validation_fraction"):
        kept.get("dataset", {}).pop("validation_fraction", None)
    if not kept.get("record_learning"):
        kept.pop("record_learning", None)
    if kept.get("augment") == {"name": "none", "_target_": NO_AUGMENT}:
        del kept["augment"]
    if not kept.get("source", {}).get("cut_short"):
        kept.get("source", {}).pop("cut_short", None)
    model, metric = kept.get("model", {}), kept.get("metric", {})
    if model.get("dropout") == _DROPOUT_WITHOUT_KEY.get(model.get("name"), 0):
        model.pop("dropout", None)
    if _is_number(metric.get("amortize")) and metric["amortize"] == 1:
        del metric["amortize"]
    _merge_budget_factors(kept.get("budget", {}))
    if code:
        kept["code"] = dict(code)
    if data_fingerprint:
        kept["data"] = data_fingerprint
    kept["device"] = {**kept["device"], "name": device_type}
    text = json.dumps(_normalised(kept), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def without_ignored(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a configuration without the keys that do not change a run's numbers."""
    kept = copy.deepcopy(dict(config))
    for path in IGNORED_KEYS:
        *parents, leaf = path.split(".")
        node = kept
        for parent in parents:
            node = node.get(parent) or {}
        node.pop(leaf, None)
    return kept


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _merge_budget_factors(budget: dict[str, Any]) -> None:
    """One factor instead of two, and none if it is 1: twice the budget is the same run either way.

    Values that are no numbers stay: they are refused when the run is built.
    """
    factors = [budget.get(key, 1) for key in FACTORS]
    if all(map(_is_number, factors)):
        for key in FACTORS:
            budget.pop(key, None)
        if (factor := product(*factors)) != 1:
            budget["factor"] = factor


def _normalised(value: Any) -> Any:
    """The value with whole numbers as integers: 1 and 1.0 are the same arm, true is not."""
    if isinstance(value, Mapping):
        return {str(key): _normalised(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_normalised(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def run_name(config: Mapping[str, Any], arm: str) -> str:
    """Name of the run folder: a readable part, then the seed and the id of the arm."""
    return f"{config['dataset']['name']}-{config['method']}-s{config['seed']}-{arm}"
