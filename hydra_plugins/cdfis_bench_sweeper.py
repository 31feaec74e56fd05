"""Hydra's sweeper with a loader that remembers what it has composed (runner/composing.py)."""

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class CachingSweeper(BasicSweeper):
    """BasicSweeper that composes jobs with the same options once."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra before `sweep`."""
        from cdfis_bench.runner.composing import CachingLoader

        loader = hydra_context.config_loader
        if type(loader) is ConfigLoaderImpl:
            loader = CachingLoader(loader)
        context = HydraContext(config_loader=loader, callbacks=hydra_context.callbacks)
        super().setup(hydra_context=context, task_function=task_function, config=config)
