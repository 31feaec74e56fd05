"""The factor between the limits that a configuration names and the budget of its run."""

from collections.abc import Mapping
from typing import Any

FACTORS = ("scale", "multiple")  # keys of `budget`
LARGEST_FACTOR = 1e6


def budget_factor(config: Mapping[Any, Any]) -> float:
    """`budget.scale` times `budget.multiple`: 1 for an older record, which has neither.

    Args:
        config: A composed or recorded configuration.
    """
    budget = config.get("budget") or {}
    return product(budget.get("scale", 1.0), budget.get("multiple", 1.0))


def product(scale: float, multiple: float) -> float:
    """Of two factors, to 12 digits: 3 times 0.1 is the budget that 0.3 is."""
    return float(f"{scale * multiple:.12g}")


def scaled(limit: int | None, factor: float) -> int | None:
    """A limit in steps times a factor; None, and what is no number above 0, stays as it is."""
    if limit is None or type(limit) is bool or limit <= 0:
        return limit
    return whole_steps(limit, factor)


def whole_steps(limit: int, factor: float) -> int:
    """A limit in steps times a factor, to the nearest whole number, at least 1."""
    return max(1, round(limit * factor))
