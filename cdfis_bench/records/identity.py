"""Which run is which: a hash of everything that decides its numbers."""

import copy
import hashlib
import json
from typing import Any

# What does not change a run's numbers. A forgotten entry here costs a recomputation; a list of what
# does count would, when forgotten, put two different runs into one folder.
DENY = (
    "seed",  # in the folder's name, so that the arms of all seeds share an id
    "method",  # a label made of other keys
    "method_title",
    "method_color",
    "preset",
    "tracker",
    "wandb",
    "results_dir",
    "size",  # reaches a run through other keys only
    "name",
    "redraw",
    "figure",
    "checkpoint_every",
    "keep.experiment",  # which rows it leads to is part of `data`
    "keep.equal",  # reaches a run through its budget
    "dataset.facts",  # reach a run through other keys only
    "dataset.recipe",
    "dataset.root",  # where data lies does not count; what it is does: the fingerprint
    "dataset.path",
    "dataset.download",
    "dataset.cache_dir",
    "dataset.title",
)


def arm_id(config: dict[str, Any], device_type: str, data: str = "") -> str:
    """10 hex digits that identify the configuration without its seed.

    config: fully resolved, plain values. device_type: what device=auto turned out to be (cpu, cuda,
    mps). data: fingerprint of the data, where files decide what it is.
    """
    kept = copy.deepcopy(config)
    # Left out while they do nothing, so that runs from before there were these keys keep their id.
    if kept.get("keep", {}).get("fraction") == 1:
        del kept["keep"]
    if not kept.get("record_learning"):
        kept.pop("record_learning", None)
    for path in DENY:
        *parents, leaf = path.split(".")
        node = kept
        for parent in parents:
            node = node.get(parent) or {}
        node.pop(leaf, None)
    if data:
        kept["data"] = data
    kept["device"] = {**kept["device"], "name": device_type}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def run_name(config: dict[str, Any], arm: str) -> str:
    """The folder of a run: readable in front, its identity (seed and id) behind."""
    return f"{config['dataset']['name']}-{config['method']}-s{config['seed']}-{arm}"
