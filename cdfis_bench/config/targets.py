"""The targets of all datasets, for figures: a stored run may be older than its data's target."""

from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from cdfis_bench.config.where import conf_dir


def dataset_targets(root: DictConfig) -> dict[str, Any]:
    """Collects the targets.

    Args:
        root: The composed configuration, whose dataset may have a target of its own.

    Returns:
        By the name of a dataset the block `target` of its YAML file, with keys accuracy and of.
    """
    targets = dict(_published_targets())
    current = OmegaConf.select(root, "dataset.target")
    if current is not None:
        targets[str(root.dataset.name)] = OmegaConf.to_container(current, resolve=True)
    return targets


@cache
def _published_targets() -> dict[str, Any]:
    """Those of conf/dataset, read once: the jobs of a sweep all ask for them."""
    targets: dict[str, Any] = {}
    for path in sorted((conf_dir() / "dataset").glob("*.yaml")):
        block = OmegaConf.select(OmegaConf.load(path), "target")
        if block is not None:
            targets[path.stem] = OmegaConf.to_container(block)
    return targets
