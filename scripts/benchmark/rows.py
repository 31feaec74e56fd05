"""A line of the table."""

from dataclasses import asdict, dataclass
from typing import Any

from benchmark.targets import TARGETS


@dataclass(frozen=True, slots=True)
class Row:
    """what/data name the row (targets.py). value: a ratio, or what `what` says; None if it was not
    measured, for the reason in `note`. low, high: the least and the greatest of the rounds.
    """

    what: str
    data: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def id(self) -> str:
        return f"{self.what}/{self.data}"

    @property
    def verdict(self) -> str:
        """yes or no where there is a target and a value, else empty."""
        target = TARGETS.get(self.id)
        if target is None or self.value is None:
            return ""
        return "yes" if target.met(self.value) else "NO"

    def as_json(self) -> dict[str, Any]:
        target = TARGETS.get(self.id)
        bounds = {} if target is None else {"must": str(target), "aim": target.aim}
        return {**asdict(self), **bounds, "met": self.verdict == "yes" if self.verdict else None}
