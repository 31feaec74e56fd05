"""What a sweep asks for, and what is refused before its first job starts."""

import importlib.util
import itertools
import re
from pathlib import Path

from filelock import FileLock, Timeout
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.records.experiment import experiment_dir
from cdfis_bench.records.paths import one_component

# Interpolations in the name of a sweep whose value no swept key can change.
_SAME_IN_EVERY_JOB = re.compile(r"\$\{(cdfis\.name:|oc\.env:[^${}]*|now:[^${}]*)\}")


def check_sweep(config: DictConfig) -> None:
    """Refuses a sweep whose jobs cannot all work.

    Args:
        config: The composed configuration of the sweep, with the node `hydra`.

    Raises:
        UserError: If it sweeps over experiments, names, results folders or figures, redraws, lacks
            what its launcher needs, or prunes the dataset by a ranking that does not exist.
    """
    _check_experiment(config)
    swept = swept_values(config)
    _check_name(config, swept)
    _check_figure(swept)
    _check_launcher(config)
    _check_pruning(config, swept)


def swept_values(config: DictConfig) -> dict[str, list[str]]:
    """The values that each override takes in a sweep, expanded as Hydra's sweeper does.

    Args:
        config: The composed configuration of the sweep, with the node `hydra`.

    Returns:
        For every key that is overridden, by the experiment or on the command line, its values. The
        command line replaces a key of the experiment.

    Raises:
        UserError: If an override is no finite list of values, as with interval().
    """
    return {key.lstrip("+"): values for key, values in _swept(config).items()}


def _swept(config: DictConfig) -> dict[str, list[str]]:
    """As swept_values; the keys as they are written, with + for one that is added."""
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    lines = [f"{key}={value}" for key, value in params.items()]
    values: dict[str, list[str]] = {}
    for override in _parsed([*lines, *_given(config)]):
        key = override.get_key_element()
        if not override.is_sweep_override():
            values[key] = [override.get_value_element_as_str()]
        elif override.is_discrete_sweep():
            values[key] = list(override.sweep_string_iterator())
        else:
            raise UserError(
                f"{override.input_line} is no list of values; use choice(...), range(...) or "
                "values with commas"
            )
    return values


def planned_jobs(config: DictConfig) -> list[list[str]]:
    """The overrides of every job, in the order in which Hydra's sweeper starts them.

    shuffle() draws from Python's global generator: to plan what the sweeper will do, its state must
    be the same for both.

    Raises:
        UserError: As `swept_values` does.
    """
    lists = [[f"{key}={value}" for value in values] for key, values in _swept(config).items()]
    return [list(job) for job in itertools.product(*lists)]


def _given(config: DictConfig) -> list[str]:
    """The overrides of the command line as they were given; reading them resolves ${...}."""
    task = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    return [str(one) for one in task or []]


def _parsed(lines: list[str]) -> list[Override]:
    # Without the loader of this command, glob() does not know the options of a group.
    hydra = GlobalHydra.instance()
    loader = hydra.config_loader() if hydra.is_initialized() else None
    return OverridesParser.create(config_loader=loader).parse_overrides(lines)


def take_folder(config: DictConfig) -> FileLock:
    """Locks the experiment's folder for this sweep.

    Args:
        config: The composed configuration of the sweep, with the node `hydra`.

    Returns:
        The lock, which is held.

    Raises:
        UserError: If another sweep holds it, or the folder cannot be written.
    """
    folder = experiment_dir(Path(config.results_dir), config.name)
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


def _check_experiment(config: DictConfig) -> None:
    if config.redraw is not None:
        raise UserError(
            f"redraw={config.redraw} draws stored runs and starts none; leave out -m, what is "
            "swept, and experiment=..., which is a sweep"
        )
    for override in _parsed(_given(config)):
        if override.key_or_group == "experiment" and override.is_sweep_override():
            raise UserError(
                f"{override.input_line} sweeps over experiments and would drop the sweeps in "
                "them; give one experiment per command"
            )


def check_names(config: DictConfig) -> None:
    """Refuses a `name` or a `redraw` that could lead out of the folder of experiments.

    Args:
        config: The composed configuration.

    Raises:
        UserError: If one is not exactly one safe component of a path.
    """
    if config.redraw is not None:  # first: the default name is made of it
        one_component("redraw", config.redraw)
    one_component("name", config.name)


def _check_name(config: DictConfig, swept: dict[str, list[str]]) -> None:
    """All jobs of a sweep must be noted in one folder."""
    for key in ("name", "results_dir"):
        values = swept.get(key, [])
        require(
            len(values) < 2,
            f"{key}={','.join(values)} differs between the jobs of a sweep; a sweep has one {key}",
        )
        written = OmegaConf.to_container(config, resolve=False)
        assert isinstance(written, dict)
        text = str(written[key])
        rest = _SAME_IN_EVERY_JOB.sub("", text)
        require(
            "${" not in rest,
            f"{key}={text} may differ between the jobs of a sweep; write it out: {key}=my_sweep",
        )
    check_names(config)


def _check_figure(swept: dict[str, list[str]]) -> None:
    for key, values in swept.items():
        if len(values) < 2 or key.split(".")[0].split("@")[0] != "figure":
            continue
        given = f"{key}={','.join(values)}"
        if key == "figure":
            others = f"draw the others afterwards: redraw=<name> figure={values[1]}"
            raise UserError(f"{given} asks for several figures; a sweep draws one, so {others}")
        raise UserError(
            f"{given} would start every run {len(values)} times; a sweep draws one figure, so give "
            f"one value, or a list: '{key}=[{','.join(values)}]'"
        )


def _check_launcher(config: DictConfig) -> None:
    if config.hydra.runtime.choices["hydra/launcher"] == "pool":
        check_pool(config.hydra.launcher)


def _check_pruning(config: DictConfig, swept: dict[str, list[str]]) -> None:
    """The runs that rank the samples must exist before the first job trains."""
    keep = config.keep
    rules = _values(swept, "keep.by", keep.by.name)
    fractions = _values(swept, "keep.fraction", str(keep.fraction))
    if set(rules) <= {"random"} or all(_is_one(fraction) for fraction in fractions):
        return
    from cdfis_bench.runner.pruning import require_ranked

    for name in _values(swept, "keep.experiment", keep.experiment):
        require_ranked(Path(config.results_dir), name)


def _values(swept: dict[str, list[str]], key: str, otherwise: str) -> list[str]:
    return [value.strip("'\"") for value in swept.get(key, [otherwise])]


def _is_one(text: str) -> bool:
    try:
        return float(text) == 1
    except ValueError:  # an interpolation, or a mistake that each job will report
        return False


def check_pool(launcher: DictConfig) -> None:
    """Checks that a pool can be started.

    Args:
        launcher: The node `hydra.launcher`.

    Raises:
        UserError: If its package is not installed, or n_jobs is no whole number above 0.
    """
    if importlib.util.find_spec("hydra_plugins.hydra_joblib_launcher") is None:
        raise UserError(
            "hydra/launcher=pool needs hydra-joblib-launcher, which is not installed; "
            "pip install 'cdfis-bench[parallel]'"
        )
    n = launcher.n_jobs
    require(
        isinstance(n, int) and n >= 1, f"hydra.launcher.n_jobs={n} must be a whole number above 0"
    )
