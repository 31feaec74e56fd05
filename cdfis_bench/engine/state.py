"""All that a run must not forget between two steps."""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from cdfis_bench.core.streams import Streams, state_while_lent
from cdfis_bench.engine.meters.cost import CostMeter
from cdfis_bench.engine.meters.lagged import Delayed
from cdfis_bench.engine.meters.learning import Learning
from cdfis_bench.engine.meters.tally import Tally
from cdfis_bench.engine.meters.usage import Usage
from cdfis_bench.engine.method import Method


class RunState:
    """The network, what trains it, what chooses, and what has been counted.

    Saved and put back, an interrupted run goes on as if it had not been (bit for bit on a CPU with
    a budget in steps).
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        method: Method,
        streams: Streams,
        cost: CostMeter,
        usage: Usage,
        delayed: Delayed,
        learning: Learning | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.method = method
        self.streams = streams
        self.cost = cost
        self.usage = usage
        self.delayed = delayed
        self.learning = learning
        self.tally = Tally()
        self.learning_rates = [group["lr"] for group in optimizer.param_groups]  # as configured
        self.step = 0  # finished
        self.gate_open_step: int | None = 0 if method.threshold.open else None  # the first time
        self.open_steps = 0  # steps with an open gate, which may close again
        if method.threshold.open:
            usage.gate_opened()

    def state_dict(self) -> dict[str, Any]:
        """Taken inside `drawing_from(streams.noise)`. Tensors are the live ones: save at once."""
        return {
            "step": self.step,
            "gate_open_step": self.gate_open_step,
            "open_steps": self.open_steps,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "method": self.method.state_dict(),
            "cost": self.cost.totals(),
            "usage": self.usage.state_dict(),
            "tally": self.tally.state_dict(),
            "delayed": self.delayed.state_dict(),
            "learning": None if self.learning is None else self.learning.state_dict(),
            "order": self.streams.order.get_state(),
            "select": self.streams.select.get_state(),
            "noise": state_while_lent(self.streams.noise),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Before `drawing_from(streams.noise)` is entered."""
        self.step = state["step"]
        self.gate_open_step = state["gate_open_step"]
        self.open_steps = state["open_steps"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.method.load_state_dict(state["method"])
        self.cost.load_totals(state["cost"])
        self.usage.load_state_dict(state["usage"])
        self.tally.load_state_dict(state["tally"])
        self.delayed.load_state_dict(state["delayed"])
        if self.learning is not None:
            self.learning.load_state_dict(state["learning"])
        for name in ("order", "select", "noise"):
            getattr(self.streams, name).set_state(state[name])
