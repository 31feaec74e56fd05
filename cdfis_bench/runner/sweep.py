"""Hydra's callback around a sweep: checks, plan, progress, summary table, figure and exit code.

Torch, pandas and seaborn are imported when they are needed, because `--help` imports this module.
"""

import random
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from cdfis_bench.config.error_messages import sentence
from cdfis_bench.core.errors import UserError
from cdfis_bench.runner.progress import SweepProgress
from cdfis_bench.runner.sweep_checks import check_sweep, planned_jobs, swept_values, take_folder
from cdfis_bench.runner.sweep_plan import check_plan, start_plan

T = TypeVar("T")


class SweepCallback(Callback):
    """Runs before a sweep, after each of its jobs, and at its end."""

    def __init__(self) -> None:
        self._progress: SweepProgress | None = None
        self._lock: FileLock | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What a launcher's worker process gets: it has neither the bar nor the folder's lock."""
        return {"_progress": None, "_lock": None}

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Checks the sweep, takes its folder, and writes its plan before the first job starts."""
        drawn = random.getstate()  # the sweeper's shuffle() must give the order of the plan
        _or_exit(check_sweep, config)
        _or_exit(_check_figure, config)  # a wrong axis is refused now, not after the last run
        random.setstate(drawn)
        jobs = _or_exit(planned_jobs, config)
        random.setstate(drawn)
        results_dir, name = Path(config.results_dir), str(config.name)
        _or_exit(lambda _: check_plan(results_dir, name, jobs), config)
        self._lock = _or_exit(take_folder, config)
        forecast = _or_exit(lambda _: start_plan(results_dir, name, jobs), config)
        self._progress = SweepProgress(name, len(jobs))
        self._progress.say_plan(forecast.text(_concurrent_runs(config)))

    def on_job_end(self, config: DictConfig, job_return: Any, **kwargs: Any) -> None:
        """Counts the job and says why it failed. In a launcher's worker process: nothing."""
        if self._progress is not None:
            summary = job_return._return_value  # its property would raise what the job raised
            self._progress.job_ended(
                job_return.overrides or [], summary if isinstance(summary, dict) else {}
            )

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Prints the summary table, draws the figure, and exits with 1 if a run is missing.

        Hydra would turn an exception raised here into a warning and exit with 0, so a mistake exits
        the process, too.
        """
        if self._progress is not None:
            self._progress.close()
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
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        print(
            f"cdfis_bench: results_dir={config.results_dir}:{where} cannot be read or written "
            f"({error.strerror or error}); choose another",
            file=sys.stderr,
        )
    except Exception:
        traceback.print_exc()
    sys.exit(1)


def _make_figure(config: DictConfig) -> Any:
    from cdfis_bench.runner.drawing import make_figure

    return make_figure(config)


def _check_figure(config: DictConfig) -> None:
    from cdfis_bench.runner.drawing import check_figure

    swept = [key for key, values in swept_values(config).items() if len(values) > 1]
    check_figure(config, swept)


def _concurrent_runs(config: DictConfig) -> int:
    """Runs at a time; seeds that are trained together take about the time of one."""
    launcher = config.hydra.launcher
    return int(launcher.get("n_jobs") or launcher.get("seeds_at_once") or 1)


def _conclude(config: DictConfig) -> bool:
    """Prints the table, draws the figure, and returns whether no run is missing."""
    from cdfis_bench.analysis.experiment import load_experiment
    from cdfis_bench.runner.drawing import print_and_draw
    from cdfis_bench.runner.report import make_tracker

    results_dir = Path(config.results_dir)
    experiment = load_experiment(results_dir, config.name)
    return print_and_draw(experiment, _make_figure(config), results_dir, make_tracker(config))
