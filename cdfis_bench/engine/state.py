"""Everything that changes during a run."""

from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.augment import Augmenter
from cdfis_bench.core.context import StepContext
from cdfis_bench.core.streams import state_while_lent
from cdfis_bench.engine.learning_rate import LearningRate
from cdfis_bench.engine.meters.cost import CostMeter
from cdfis_bench.engine.meters.lagged_reader import LaggedReader
from cdfis_bench.engine.meters.learning import LearningMeter
from cdfis_bench.engine.meters.tally import Tally
from cdfis_bench.engine.meters.usage import SelectionCounts
from cdfis_bench.engine.setup import RunSetup


class RunState:
    """The network and its optimizer, the method, the random streams, and all meters.

    With its state saved and loaded, an interrupted run continues as if it had not been interrupted
    (bit for bit on a CPU with a budget in steps).
    """

    def __init__(self, setup: RunSetup) -> None:
        """Makes the state before the first step."""
        n, device = len(setup.dataset.train), setup.device
        self.model = setup.model
        self.optimizer = setup.make_optimizer(setup.model.parameters())
        self.learning_rate = LearningRate(self.optimizer, setup.schedule)
        self.method = setup.make_method()
        self.streams = setup.streams
        self.cost = CostMeter(device)
        self.context = StepContext(
            setup.model,
            self.method,
            setup.batch_size,
            setup.streams.order,
            setup.streams.select,
            self.cost,
            augmenter=Augmenter(setup.augment, setup.streams.augment),
        )
        self.counts = SelectionCounts(n, device)
        self.learning = LearningMeter(n, device) if setup.record_learning else None
        self.tally = Tally()
        self.reader = LaggedReader(device)
        self.gate_open_step: int | None = None  # when it first opened
        self.open_steps = 0  # steps with an open gate, which may close again
        self.note_gate()

    @property
    def step(self) -> int:
        """Number of finished steps."""
        return self.context.step

    def note_gate(self) -> None:
        """Notes when the gate first opens."""
        if self.method.threshold.open and self.gate_open_step is None:
            self.gate_open_step = self.step
            self.counts.gate_opened()

    def state_dict(self) -> dict[str, Any]:
        """The state; call it inside `drawing_from(streams.noise)`.

        Tensors are the live ones: save them at once.
        """
        return {
            "step": self.step,
            "gate_open_step": self.gate_open_step,
            "open_steps": self.open_steps,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "method": self.method.state_dict(),
            "cost": self.cost.totals(),
            "counts": self.counts.state_dict(),
            "tally": self.tally.state_dict(),
            "reader": self.reader.state_dict(),
            "learning": None if self.learning is None else self.learning.state_dict(),
            "order": self.streams.order.get_state(),
            "select": self.streams.select.get_state(),
            "noise": state_while_lent(self.streams.noise),
            "augment": self.streams.augment.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from a saved state; call it before `drawing_from(streams.noise)`."""
        self.context.step = state["step"]
        self.gate_open_step = state["gate_open_step"]
        self.open_steps = state["open_steps"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.method.load_state_dict(state["method"])
        self.cost.load_totals(state["cost"])
        self.counts.load_state_dict(state["counts"])
        self.tally.load_state_dict(state["tally"])
        self.reader.load_state_dict(state["reader"])
        if self.learning is not None:
            self.learning.load_state_dict(state["learning"])
        for name in ("order", "select", "noise"):
            getattr(self.streams, name).set_state(state[name])
        if "augment" in state:  # not in states of earlier versions, which did not augment
            self.streams.augment.set_state(state["augment"])
