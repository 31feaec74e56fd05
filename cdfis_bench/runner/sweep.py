"""What a sweep does around its jobs: checks, progress, table, figure, exit code."""

import sys
from pathlib import Path
from typing import Any, NoReturn

from filelock import FileLock, Timeout
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from cdfis_bench.core.errors import UserError


class SweepCallback(Callback):
    """Hydra's hooks around a sweep.

    Torch, pandas and seaborn are imported when needed: --help makes this object too.
    """

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._lock: FileLock | None = None

    def __getstate__(self) -> dict[str, Any]:
        """For a launcher's worker process: neither the bar nor the folder's lock is its own."""
        return {"_bar": None, "_lock": None}

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Takes the experiment's folder and forgets which jobs an earlier command had."""
        from cdfis_bench.records.experiment import forget_jobs

        _or_exit(_refuse_what_is_no_sweep, config)
        _or_exit(_check_launcher, config)
        _or_exit(_check_pruning, config)
        _or_exit(_figure, config)  # a wrong axis is refused now, not after the last run
        self._lock = _or_exit(_take_folder, config)
        forget_jobs(Path(config.results_dir), config.name)
        self._bar = tqdm(
            total=_number_of_jobs(config), desc=config.name, unit="run", position=0, disable=None
        )

    def on_job_end(self, config: DictConfig, job_return: Any, **kwargs: Any) -> None:
        if self._bar is not None:  # None in a launcher's worker process
            self._bar.update()

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Draws what there is, prints the closing table, and exits with 1 if any run is missing.

        A mistake in here must end the command: Hydra would turn an exception into a warning and
        exit with 0.
        """
        if self._bar is not None:
            self._bar.close()
        complete = _or_exit(_conclude, config)
        if self._lock is not None:
            self._lock.release()
        if not complete:
            sys.exit(1)


def _or_exit(action: Any, config: DictConfig) -> Any:
    """action(config); a UserError becomes its sentence and exit code 1, since Hydra swallows
    exceptions here.
    """
    try:
        return action(config)
    except UserError as error:
        print(f"cdfis_bench: {error}", file=sys.stderr)
        sys.exit(1)
    except Exception:
        import traceback

        traceback.print_exc()
        sys.exit(1)


def _sweep_overrides(config: DictConfig) -> list[str]:
    """The overrides of the sweep: those in the experiment's file, then the command line's."""
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    return [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)


def _refuse_what_is_no_sweep(config: DictConfig) -> None:
    if config.redraw is not None:
        raise UserError(
            f"redraw={config.redraw} draws stored runs and starts none; leave out -m, what is "
            "swept, and experiment=..., which is a sweep"
        )
    parser = OverridesParser.create()
    for override in parser.parse_overrides(list(config.hydra.overrides.task)):
        if override.key_or_group == "experiment" and override.is_sweep_override():
            raise UserError(
                f"{override.input_line} sweeps over experiments and would drop the sweeps in "
                "them; give one experiment per command"
            )


def _check_launcher(config: DictConfig) -> None:
    if config.hydra.runtime.choices["hydra/launcher"] == "pool":
        from hydra_plugins.cdfis_bench_pool import check_pool

        check_pool(config.hydra.launcher)


def _check_pruning(config: DictConfig) -> None:
    """What jobs rank samples by must be there before the first of them trains."""
    overrides = OverridesParser.create().parse_overrides(_sweep_overrides(config))
    given = {override.key_or_group: override.get_value_string() for override in overrides}
    rules = given.get("keep.by", config.keep.by.name).split(",")
    part = config.keep.fraction != 1 or "keep.fraction" in given
    if part and set(rules) - {"random"}:
        from cdfis_bench.runner.pruning import require_ranked

        require_ranked(Path(config.results_dir), config.keep.experiment)


def _number_of_jobs(config: DictConfig) -> int:
    overrides = OverridesParser.create().parse_overrides(_sweep_overrides(config))
    return len(BasicSweeper.split_arguments(overrides, None)[0])


def _take_folder(config: DictConfig) -> FileLock:
    """The lock of the experiment's folder. Raises UserError if it is taken or cannot be written."""
    folder = Path(config.hydra.sweep.dir)
    lock = FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"another sweep called {config.name} is running in {folder}; "
            "give this one a name: name=my_sweep"
        ) from None
    except OSError as error:
        raise UserError(
            f"results_dir={config.results_dir} cannot be written ({error.strerror}); choose another"
        ) from error
    return lock


def _figure(config: DictConfig) -> Any:
    from cdfis_bench.runner.drawing import figure_of

    return figure_of(config)


def _conclude(config: DictConfig) -> bool:
    """Figure and closing table of the sweep's runs. Returns whether every run is there."""
    from cdfis_bench.analysis.experiment import load_experiment
    from cdfis_bench.runner.drawing import conclude

    results_dir = Path(config.results_dir)
    return conclude(load_experiment(results_dir, config.name), _figure(config), results_dir)
