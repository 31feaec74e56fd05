"""Legend entries: one per arm, never two arms under one name."""

from typing import Any

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.identity import DENY
from cdfis_bench.records.stored_run import StoredRun


def arm_labels(runs: list[StoredRun], hue: str = "method") -> dict[str, str]:
    """Label of each arm id. hue: "method", or a dotted configuration key (threshold.fraction).

    Uniform sampling is called uniform whatever the hue. Where several arms would share a label,
    configuration keys in which they differ are appended, as few as tell them apart.
    Raises UserError if a configuration has no such key.
    """
    cards = {run.card["arm"]: run.card for run in runs}
    plain = {arm: _plain_label(card, hue) for arm, card in cards.items()}
    labels: dict[str, str] = {}
    for label in dict.fromkeys(plain.values()):
        arms = {arm: _flatten(cards[arm]["config"]) for arm in cards if plain[arm] == label}
        for arm, differences in _differences(arms).items():
            labels[arm] = " ".join([label, *differences])
    return labels


def _plain_label(card: dict[str, Any], hue: str) -> str:
    if hue == "method" or card["method"] == "uniform":
        return card["method"]
    node: Any = card["config"]
    for key in hue.split("."):
        if not isinstance(node, dict) or key not in node:
            raise UserError(f"figure.hue={hue}: the run {card['id']} has no such configuration key")
        node = node[key]
    return str(node)


def _flatten(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted keys of what decides a run's numbers."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        path = f"{prefix}{key}"
        if path in DENY:
            continue
        if isinstance(value, dict):
            flat |= _flatten(value, f"{path}.")
        else:
            flat[path] = value
    return flat


def _differences(arms: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """For each arm the "key=value" texts that tell it from the others; none for a single arm.

    A key that tells no further arms apart is left out: a dataset brings its own budget.
    """
    keys = list(dict.fromkeys(key for config in arms.values() for key in config))
    keys.sort(key=lambda key: not key.endswith(".name"))  # options of the groups first
    kept: list[str] = []
    parts = 1
    for key in keys:
        told_apart = {repr([config.get(k) for k in (*kept, key)]) for config in arms.values()}
        if len(told_apart) > parts:
            kept.append(key)
            parts = len(told_apart)
    texts = {arm: [f"{_short(k, keys)}={c.get(k)}" for k in kept] for arm, c in arms.items()}
    if parts < len(arms):  # equal in every key: device=auto turned out differently, say
        texts = {arm: [*text, f"id={arm}"] for arm, text in texts.items()}
    return texts


def _short(key: str, keys: list[str]) -> str:
    """selector.name -> selector; otherwise the leaf, if no other key ends in it."""
    if key.endswith(".name"):
        return key.removesuffix(".name")
    leaf = key.rsplit(".", 1)[-1]
    return leaf if sum(other.rsplit(".", 1)[-1] == leaf for other in keys) == 1 else key
