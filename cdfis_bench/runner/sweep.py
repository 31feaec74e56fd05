"""Hydra's callback around a sweep: checks, progress bar, summary table, figure and exit code.

Torch, pandas and seaborn are imported when they are needed, because `--help` imports this module.
"""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from filelock import FileLock
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from tqdm import tqdm

from cdfis_bench.config.error_messages import sentence
from cdfis_bench.core.errors import UserError
from cdfis_bench.runner.sweep_checks import check_sweep, number_of_jobs, take_folder

T = TypeVar("T")


class SweepCallback(Callback):
    """Runs before a sweep, after each of its jobs, and at its end."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._lock: FileLock | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What a launcher's worker process gets: it has neither the bar nor the folder's lock."""
        return {"_bar": None, "_lock": None}

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Checks the sweep, takes its folder, and forgets the jobs of an earlier command."""
        from cdfis_bench.records.experiment import forget_jobs

        _or_exit(check_sweep, config)
        _or_exit(_make_figure, config)  # a wrong axis is refused now, not after the last run
        jobs = _or_exit(number_of_jobs, config)
        self._lock = _or_exit(take_folder, config)
        forget_jobs(Path(config.results_dir), config.name)
        self._bar = tqdm(total=jobs, desc=config.name, unit="run", position=0, disable=None)

    def on_job_end(self, config: DictConfig, job_return: Any, **kwargs: Any) -> None:
        """Advances the bar. In a launcher's worker process there is none."""
        if self._bar is not None:
            self._bar.update()

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Prints the summary table, draws the figure, and exits with 1 if a run is missing.

        Hydra would turn an exception raised here into a warning and exit with 0, so a mistake exits
        the process, too.
        """
        if self._bar is not None:
            self._bar.close()
        complete = _or_exit(_conclude, config)
        if self._lock is not None:
            self._lock.release()
        if not complete:
            sys.exit(1)


def _or_exit(action: Callable[[DictConfig], T], config: DictConfig) -> T:
    """action(config). An exception is printed and exits with 1, because Hydra would swallow it."""
    try:
        return action(config)
    except (HydraException, OmegaConfBaseException, UserError) as error:
        print(f"cdfis_bench: {sentence(error)}", file=sys.stderr)
    except Exception:
        traceback.print_exc()
    sys.exit(1)


def _make_figure(config: DictConfig) -> Any:
    from cdfis_bench.runner.drawing import make_figure

    return make_figure(config)


def _conclude(config: DictConfig) -> bool:
    """Prints the table, draws the figure, and returns whether no run is missing."""
    from cdfis_bench.analysis.experiment import load_experiment
    from cdfis_bench.runner.drawing import print_and_draw
    from cdfis_bench.runner.report import make_tracker

    results_dir = Path(config.results_dir)
    experiment = load_experiment(results_dir, config.name)
    return print_and_draw(experiment, _make_figure(config), results_dir, make_tracker(config))
