"""`hydra/launcher=batched_seeds`: the seeds of each arm of a sweep at once, as one network.

For accuracy over steps: it writes the run folders that the seeds would have written one by one, but
their seconds are shares of a common clock, and marked so.
"""

from collections.abc import Sequence

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from cdfis_bench.core.errors import require


class BatchedSeedsLauncher(Launcher):
    """Jobs whose overrides differ in `seed` only are computed together."""

    def __init__(self, seeds_at_once: int) -> None:
        require(
            isinstance(seeds_at_once, int) and seeds_at_once >= 1,
            f"hydra.launcher.seeds_at_once={seeds_at_once} must be a whole number above 0",
        )
        self._seeds_at_once = seeds_at_once

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self._context, self._config = hydra_context, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        from cdfis_bench.runner.batched_seeds import SeedJob, run_together

        setup_globals()
        returns: dict[int, JobReturn] = {}
        for group in self._groups(job_overrides, initial_job_idx):
            jobs = [SeedJob(number, own, self._compose(number, own)) for number, own in group]
            for job, summary in zip(jobs, run_together(jobs), strict=True):
                returned = JobReturn(
                    overrides=job.overrides,
                    cfg=job.cfg,
                    status=JobStatus.COMPLETED,
                    _return_value=summary,
                )
                returns[job.number] = returned
                self._context.callbacks.on_job_end(config=self._config, job_return=returned)
        return [returns[number] for number in sorted(returns)]

    def _groups(
        self, job_overrides: Sequence[Sequence[str]], first: int
    ) -> list[list[tuple[int, list[str]]]]:
        """(number, overrides) of the jobs, arm by arm, at most seeds_at_once in a group."""
        arms: dict[tuple[str, ...], list[tuple[int, list[str]]]] = {}
        for number, overrides in enumerate(map(list, job_overrides), first):
            arm = tuple(one for one in overrides if not one.startswith("seed="))
            arms.setdefault(arm, []).append((number, overrides))
        n = self._seeds_at_once
        return [of[at : at + n] for of in arms.values() for at in range(0, len(of), n)]

    def _compose(self, number: int, overrides: list[str]) -> DictConfig:
        """The configuration of one job, as the task function would get it."""
        cfg = self._context.config_loader.load_sweep_config(self._config, overrides)
        with open_dict(cfg):
            cfg.hydra.job.id = cfg.hydra.job.num = number
        HydraConfig.instance().set_config(cfg)
        task = cfg.copy()
        with open_dict(task):
            del task["hydra"]
        return task
