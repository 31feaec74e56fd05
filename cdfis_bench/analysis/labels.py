"""Legend entries: one per arm, never two arms under one name."""

import json
from typing import Any

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.identity import IGNORED_KEYS
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.stored_run import StoredRun

Flat = dict[str, str]  # dotted key -> value as text


def plain_label(record: RunRecord, hue: str) -> str:
    """What the legend would say if no two arms shared it.

    hue: "method", or a dotted configuration key such as threshold.fraction, whose value it is.
    Uniform sampling is called by its method's name whatever the hue: it is the baseline.
    """
    if hue == "method" or record.method == "uniform":
        return record.method
    return _flatten(record.config, deny=()).get(hue, f"no {hue}")


def arm_labels(runs: list[StoredRun], hue: str = "method") -> dict[str, str]:
    """Label of each run, by the run's name; the runs of one arm have one label.

    Where several arms would share a label, configuration keys in which they differ are appended:
    as few as tell them apart. Raises UserError if no run has the configuration key `hue`.
    """
    records = {_arm(run): run.record for run in runs}
    plain = {arm: plain_label(record, hue) for arm, record in records.items()}
    if records and set(plain.values()) == {f"no {hue}"}:
        raise UserError(f"figure.hue={hue} is no key of these runs' configuration; see --help")
    labels = dict(plain)
    for label in set(plain.values()):
        arms = [arm for arm in records if plain[arm] == label]
        if len(arms) > 1:
            flat = {arm: _flatten(records[arm].config) for arm in arms}
            labels |= {arm: f"{label}, {text}" for arm, text in _differences(flat).items()}
    return {run.name: labels[_arm(run)] for run in runs}


def _arm(run: StoredRun) -> str:
    """An arm as a legend sees it: two presets of one configuration are two entries."""
    return f"{run.record.method} {run.record.arm}"


def _differences(flat: dict[str, Flat]) -> dict[str, str]:
    """The texts "key=value" that tell the arms apart.

    A key that splits no group of arms further is left out: a dataset brings its own budget.
    """
    keys = list(dict.fromkeys(key for values in flat.values() for key in values))
    keys.sort(key=lambda key: not key.endswith(".name"))  # stable: the groups' options first
    kept: list[str] = []
    parts = 1
    for key in keys:
        told_apart = {tuple(v.get(k) for k in [*kept, key]) for v in flat.values()}
        if len(told_apart) > parts and not key.endswith("._target_"):
            kept.append(key)
            parts = len(told_apart)
    texts = {
        arm: [f"{_short(key, keys)}={values.get(key, 'none')}" for key in kept]
        for arm, values in flat.items()
    }
    if parts < len(flat):  # they differ in what is no key, such as what device=auto turned out as
        texts = {arm: [*text, f"id={arm.split()[-1]}"] for arm, text in texts.items()}
    return {arm: ", ".join(text) for arm, text in texts.items()}


def _short(key: str, keys: list[str]) -> str:
    """selector.name -> selector; the leaf alone if no other key ends in it."""
    if key.endswith(".name"):
        return key.removesuffix(".name")
    leaf = key.rsplit(".", 1)[-1]
    return leaf if sum(other.rsplit(".", 1)[-1] == leaf for other in keys) == 1 else key


def _flatten(
    config: dict[str, Any], prefix: str = "", deny: tuple[str, ...] = IGNORED_KEYS
) -> Flat:
    """Dotted keys and values as text, without those that decide no number of a run."""
    flat: Flat = {}
    for key, value in config.items():
        path = f"{prefix}{key}"
        if path in deny:
            continue
        if isinstance(value, dict):
            flat |= _flatten(value, f"{path}.", deny)
        else:
            flat[path] = value if isinstance(value, str) else json.dumps(value)
    return flat
