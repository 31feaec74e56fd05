"""Thresholds that do not look at the training: open from the first step, or never."""

from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.types import Observation


class FixedThreshold:
    """Open for the whole run (threshold=always), or closed for the whole run (threshold=never:
    uniform sampling).
    """

    needs_scores = False

    def __init__(self, open: bool) -> None:
        self._open = open

    @property
    def open(self) -> bool:
        return self._open

    def update(self, observation: Observation) -> None: ...

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...
