"""hydra/launcher=batched_seeds: trains the seeds of each arm of a sweep together, as one network.

Suited to accuracy over steps: it writes the same run folders as single runs, but their seconds are
equal shares of a common time, and are marked as such (hardware.seeds_at_once).
"""

from collections.abc import Sequence

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from cdfis_bench.core.errors import require


class BatchedSeedsLauncher(Launcher):
    """Trains jobs together whose overrides differ in `seed` only."""

    def __init__(self, seeds_at_once: int) -> None:
        """Checks the setting.

        Args:
            seeds_at_once: Largest number of seeds that are trained together.

        Raises:
            UserError: If it is no whole number above 0.
        """
        require(
            isinstance(seeds_at_once, int) and seeds_at_once >= 1,
            f"hydra.launcher.seeds_at_once={seeds_at_once} must be a whole number above 0",
        )
        self._seeds_at_once = seeds_at_once

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra before `launch`."""
        self._context, self._config = hydra_context, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Computes the jobs and returns what became of each, in order."""
        from cdfis_bench.runner.compute import Launch
        from cdfis_bench.runner.job import SweepJob, run_sweep_jobs

        setup_globals()
        returns: dict[int, JobReturn] = {}
        for group in self._groups(job_overrides, initial_job_idx):
            jobs = [SweepJob(number, own, self._compose(number, own)) for number, own in group]
            launch = Launch("batched_seeds", 1, str(self._config.name))
            for job, summary in zip(jobs, run_sweep_jobs(jobs, launch), strict=True):
                returned = JobReturn(
                    overrides=list(job.overrides),
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
        """The jobs as (number, overrides), in groups of one arm and at most seeds_at_once jobs."""
        arms: dict[tuple[str, ...], list[tuple[int, list[str]]]] = {}
        for number, overrides in enumerate(map(list, job_overrides), first):
            arm = tuple(one for one in overrides if not one.startswith("seed="))
            arms.setdefault(arm, []).append((number, overrides))
        n = self._seeds_at_once
        return [of[at : at + n] for of in arms.values() for at in range(0, len(of), n)]

    def _compose(self, number: int, overrides: list[str]) -> DictConfig:
        """The configuration of one job, as Hydra would pass it to the task function."""
        cfg = self._context.config_loader.load_sweep_config(self._config, overrides)
        with open_dict(cfg):
            cfg.hydra.job.id = cfg.hydra.job.num = number
        HydraConfig.instance().set_config(cfg)
        task = cfg.copy()
        with open_dict(task):
            del task["hydra"]
        return task
