"""Ten seeds of one arm: one after the other, and as one network."""

from torch import Tensor

from benchmark.setups import Setting, training
from benchmark.timing import Work
from cdfis_bench.engine.batched_seeds.train import Together
from cdfis_bench.engine.setup import RunSetup, beginning, count_step, take_step


class _NoRecords:
    """A Recorder that keeps nothing; a step records nothing but sampling patterns."""

    def row(self, table: str, **values: float | int | bool | None) -> None: ...
    def array(self, name: str, values: Tensor) -> None: ...


NO_RECORDS = _NoRecords()


def one_by_one(setting: Setting, method: str) -> Work:
    """A step of each of ten runs, counted, one after the other."""
    setups = _seeds(setting, method)
    runs = [beginning(setup) for setup in setups]

    def work() -> None:
        for setup, run in zip(setups, runs, strict=True):
            take_step(setup, run, NO_RECORDS, 0.0)

    return work


def at_once(setting: Setting, method: str) -> Work:
    """The same as one network."""
    setups = _seeds(setting, method)
    runs = [beginning(setup) for setup in setups]
    together = Together(setups[0], runs)

    def work() -> None:
        for setup, run, report in zip(setups, runs, together.step(0.0), strict=True):
            count_step(setup, run, NO_RECORDS, report, 0.0)

    return work


def _seeds(setting: Setting, method: str) -> list[RunSetup]:
    seeds = [training(setting, f"method={method}", f"seed={seed}") for seed in range(10)]
    for setup in seeds:
        setup.model.train()
    return seeds
