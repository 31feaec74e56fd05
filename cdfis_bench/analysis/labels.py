"""Legend entries: one per arm, never two arms under one name."""

from typing import Any

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.identity import DENY
from cdfis_bench.records.stored_run import StoredRun


def arm_labels(runs: list[StoredRun], hue: str = "method") -> dict[str, str]:
    """Label of each arm id. hue: "method", or a dotted configuration key (threshold.fraction).

    Uniform sampling is called uniform whatever the hue. Where several arms would share a label, the
    configuration keys in which they differ are appended.
    Raises UserError if a configuration has no such key.
    """
    cards = {run.card["arm"]: run.card for run in runs}
    plain = {arm: _plain_label(card, hue) for arm, card in cards.items()}
    labels: dict[str, str] = {}
    for label in dict.fromkeys(plain.values()):
        arms = [arm for arm in cards if plain[arm] == label]
        flat = {arm: _flatten(cards[arm]["config"]) for arm in arms}
        differing = _differing_keys(list(flat.values()))
        for arm in arms:
            parts = [f"{_short(key, differing)}={flat[arm].get(key)}" for key in differing]
            labels[arm] = " ".join([label, *parts])
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


def _differing_keys(configs: list[dict[str, Any]]) -> list[str]:
    """Keys whose values are not the same everywhere, without those that only repeat a name."""
    keys = dict.fromkeys(key for config in configs for key in config)
    differing = [key for key in keys if len({repr(c.get(key)) for c in configs}) > 1]
    return [key for key in differing if not key.endswith("_target_")]


def _short(key: str, others: list[str]) -> str:
    leaf = key.rsplit(".", 1)[-1]
    return leaf if sum(other.rsplit(".", 1)[-1] == leaf for other in others) == 1 else key
