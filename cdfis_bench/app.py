"""The task that Hydra runs, and nothing else: launchers pickle this module's globals."""

import hydra
from omegaconf import DictConfig

import cdfis_bench.config.schema  # noqa: F401  (registers the schema and the resolvers, in workers too)
from cdfis_bench.config.where import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
def main(cfg: DictConfig) -> dict[str, float | int | str | None]:
    """One job: a run. Torch is imported here, so that --help does not wait for it."""
    from cdfis_bench.job import run_job

    return run_job(cfg)
