"""The function that Hydra runs, and nothing else: launchers pickle this module's globals."""

import sys
from collections.abc import Mapping
from typing import Any

import hydra
from omegaconf import DictConfig

import cdfis_bench.config.schema  # noqa: F401  (registers schema and resolvers, also in workers)
from cdfis_bench.config.where import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
def main(cfg: DictConfig) -> Mapping[str, Any]:
    """One job: computes a run, or draws a figure of stored runs.

    Torch is imported in here, so that `--help` does not wait for it.

    Args:
        cfg: The composed configuration.

    Returns:
        The name and the summary of the run, or its error.
    """
    from cdfis_bench.core.errors import UserError
    from cdfis_bench.runner.sweep_checks import check_names

    try:
        check_names(cfg)
    except UserError as error:
        # Hydra adds two lines of its own to any exception but SystemExit.
        sys.exit(f"cdfis_bench: {error}")
    if cfg.redraw is not None:
        from cdfis_bench.runner.drawing import redraw

        return redraw(cfg)
    from cdfis_bench.runner.job import run_job

    return run_job(cfg)
