"""Legend entries: one per arm, and never the same one for two arms."""

import json
from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.budget_factor import FACTORS, budget_factor
from cdfis_bench.core.errors import UserError
from cdfis_bench.records.identity import IGNORED_KEYS
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.stored_run import StoredRun

_BUDGET_FACTORS = tuple(f"budget.{key}" for key in FACTORS)  # their product is in the label
Flat = dict[str, str]  # dotted key -> value as text


def method_title(record: RunRecord) -> str:
    """What figures call the run's method: the title recorded with the run, else its label."""
    return record.config.get("method_title") or record.method


def plain_label(record: RunRecord, hue: str) -> str:
    """The label of a run's arm if no other arm had the same one.

    Args:
        record: The run.
        hue: "method", or a dotted configuration key such as `threshold.fraction`.

    Returns:
        The method's label, or the value of the key. Uniform sampling always goes by its method's
        label: it is the baseline.
    """
    if hue == "method" or record.method == "uniform":
        return record.method
    return _flatten(record.config, ignored=()).get(hue, f"no {hue}")


def arm_labels(runs: list[StoredRun], hue: str = "method") -> dict[str, str]:
    """Labels the arms of an experiment.

    An arm whose budget has a factor says so: "uniform, 2x budget". Where several arms would still
    share a label, the configuration keys in which they differ are appended, as few as distinguish
    them.

    Args:
        runs: Finished runs.
        hue: As in `plain_label`.

    Returns:
        The label of each run by the run's name; the runs of one arm share theirs.

    Raises:
        UserError: If no run has the configuration key `hue`.
    """
    records = {_arm(run): run.record for run in runs}
    plain = {arm: plain_label(record, hue) for arm, record in records.items()}
    if records and set(plain.values()) == {f"no {hue}"}:
        raise UserError(
            f"figure.hue={hue} is not a key of these runs' configuration; --help lists the keys"
        )
    begun = {arm: plain[arm] + _budget_text(record, hue) for arm, record in records.items()}
    labels = dict(begun)
    for label in set(begun.values()):
        arms = [arm for arm in records if begun[arm] == label]
        if len(arms) > 1:
            ignored = (*IGNORED_KEYS, *_BUDGET_FACTORS)
            flat = {arm: _flatten(records[arm].config, ignored=ignored) for arm in arms}
            labels |= {arm: f"{label}, {text}" for arm, text in _differences(flat).items()}
    return {run.name: labels[_arm(run)] for run in runs}


def _budget_text(record: RunRecord, hue: str) -> str:
    """Such as ", 2x budget"; empty without a factor, or where the hue says it."""
    factor = budget_factor(record.config)
    told = hue in _BUDGET_FACTORS and record.method != "uniform"
    return "" if factor == 1 or told else f", {factor:g}x budget"


def _arm(run: StoredRun) -> str:
    """The identity of a legend entry: two presets with the same configuration are two entries."""
    return f"{run.record.method} {run.record.arm}"


def _differences(flat: dict[str, Flat]) -> dict[str, str]:
    """For each arm the text "key=value, ..." that distinguishes it from the others.

    A key that separates no further arms is left out: with the dataset, for example, the budget
    changes too.
    """
    keys = list(dict.fromkeys(key for values in flat.values() for key in values))
    keys.sort(key=lambda key: not key.endswith(".name"))  # stable: the groups' options first
    kept: list[str] = []
    parts = 1
    for key in keys:
        distinct = {tuple(v.get(k) for k in [*kept, key]) for v in flat.values()}
        if len(distinct) > parts and not key.endswith("._target_"):
            kept.append(key)
            parts = len(distinct)
    texts = {
        arm: [f"{_short(key, keys)}={values.get(key, 'none')}" for key in kept]
        for arm, values in flat.items()
    }
    if parts < len(flat):  # the difference is outside the configuration: what device=auto became
        texts = {arm: [*text, f"id={arm.split()[-1]}"] for arm, text in texts.items()}
    return {arm: ", ".join(text) for arm, text in texts.items()}


def _short(key: str, keys: list[str]) -> str:
    """selector.name -> selector; the last part alone if no other key ends in it."""
    if key.endswith(".name"):
        return key.removesuffix(".name")
    leaf = key.rsplit(".", 1)[-1]
    return leaf if sum(other.rsplit(".", 1)[-1] == leaf for other in keys) == 1 else key


def _flatten(
    config: Mapping[str, Any], prefix: str = "", ignored: tuple[str, ...] = IGNORED_KEYS
) -> Flat:
    """Dotted keys and values as text, without the keys that do not affect a run's numbers."""
    flat: Flat = {}
    for key, value in config.items():
        path = f"{prefix}{key}"
        if path in ignored:
            continue
        if isinstance(value, dict):
            flat |= _flatten(value, f"{path}.", ignored)
        else:
            flat[path] = value if isinstance(value, str) else json.dumps(value)
    return flat
