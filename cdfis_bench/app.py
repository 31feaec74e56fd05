"""The task that Hydra runs, and nothing else: launchers pickle this module's globals."""

from collections.abc import Mapping

import hydra
from omegaconf import DictConfig

import cdfis_bench.config.schema  # noqa: F401  (registers the schema and the resolvers, in workers too)
from cdfis_bench.config.where import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
def main(cfg: DictConfig) -> Mapping[str, float | int | str | None]:
    """One job: a run, or a figure of stored ones. Torch is imported here, so that --help does not
    wait for it.
    """
    if cfg.redraw is not None:
        from cdfis_bench.runner.drawing import redraw

        return redraw(cfg)
    from cdfis_bench.runner.job import run_job

    return run_job(cfg)
