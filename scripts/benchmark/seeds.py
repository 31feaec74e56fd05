"""Ten seeds of one arm: one after the other, and as one network."""

from torch import Tensor

from benchmark.setups import Setting, training
from benchmark.timing import Work
from cdfis_bench.engine.accounting import begin_step, count_step
from cdfis_bench.engine.batched_seeds.train import BatchedSeeds
from cdfis_bench.engine.setup import RunSetup
from cdfis_bench.engine.state import RunState
from cdfis_bench.engine.step import train_step


class _NoRecords:
    """A Recorder that keeps nothing; a step records nothing but sampling patterns."""

    def row(self, table: str, **values: float | int | bool | None) -> None: ...
    def array(self, name: str, values: Tensor) -> None: ...


NO_RECORDS = _NoRecords()


def one_by_one(setting: Setting, method: str) -> Work:
    """A step of each of ten runs, counted, one after the other."""
    setups = _seeds(setting, method)
    states = [RunState(setup) for setup in setups]

    def work() -> None:
        for setup, state in zip(setups, states, strict=True):
            begin_step(state, 0.0)
            count_step(setup, state, NO_RECORDS, train_step(state.context, state.optimizer))

    return work


def at_once(setting: Setting, method: str) -> Work:
    """The same as one network."""
    setups = _seeds(setting, method)
    states = [RunState(setup) for setup in setups]
    batched = BatchedSeeds(setups[0], states)

    def work() -> None:
        for state in states:
            begin_step(state, 0.0)
        for setup, state, report in zip(setups, states, batched.step(), strict=True):
            count_step(setup, state, NO_RECORDS, report)

    return work


def _seeds(setting: Setting, method: str) -> list[RunSetup]:
    seeds = [training(setting, f"method={method}", f"seed={seed}") for seed in range(10)]
    for setup in seeds:
        setup.model.train()
    return seeds
