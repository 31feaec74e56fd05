"""The typed configuration: misspelt root keys and wrong types are refused when it is composed.

The groups are open mappings, so that parts from other packages need no schema; their constructors
check the values themselves. This module does not import torch, so that `--help` and tab completion
stay fast.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from cdfis_bench.config.error_messages import unknown_key
from cdfis_bench.config.presets import compared_methods, method_color, method_title
from cdfis_bench.config.targets import dataset_targets
from cdfis_bench.core.budget_factor import budget_factor, whole_steps
from cdfis_bench.core.errors import UserError


class WandbMode(Enum):
    """Where runs are logged by tracker=wandb."""

    offline = "offline"
    online = "online"
    disabled = "disabled"


class Size(Enum):
    """Size of the experiments on images."""

    full = "full"
    small = "small"


class ScoringMode(Enum):
    """Mode of the network while it scores or trains."""

    eval = "eval"
    train = "train"


class ScoringDtype(Enum):
    """Precision of the forward passes of scoring."""

    float32 = "float32"
    bfloat16 = "bfloat16"


class BackendName(Enum):
    """How the network computes."""

    auto = "auto"
    plain = "plain"
    channels_last = "channels_last"
    onednn = "onednn"


class KeepBy(Enum):
    """Which part of the training set is kept (dataset pruning)."""

    random = "random"
    top_inclusion = "top_inclusion"
    bottom_inclusion = "bottom_inclusion"
    top_el2n = "top_el2n"
    bottom_el2n = "bottom_el2n"
    top_forgetting = "top_forgetting"
    bottom_forgetting = "bottom_forgetting"


class Equal(Enum):
    """What training on a part has in common with training on the whole set."""

    steps = "steps"
    epochs = "epochs"


@dataclass
class KeepConfig:
    """Dataset pruning.

    Attributes:
        fraction: Fraction of the training set to train on, in (0, 1].
        by: What the kept samples are chosen by.
        experiment: The sweep whose runs rank the samples.
        equal: Whether pruned runs get as many steps or as many epochs (experiment=prune).
    """

    fraction: float = 1.0
    by: KeepBy = KeepBy.random
    experiment: str = "prune_scores"
    equal: Equal = Equal.steps


@dataclass
class BudgetConfig:
    """When a run ends: as soon as one of the limits that are set is reached.

    Attributes:
        steps: Optimization steps.
        train_seconds: Seconds of loading, scoring, selecting and updating.
        uniform_steps: Cost in forward and backward passes, as a number of uniform steps.
        scale: Factor of the limits, of every arm of a comparison.
        multiple: Further factor, of one arm alone: the presets uniform_x* set it.
    """

    steps: int | None = MISSING
    train_seconds: float | None = None
    uniform_steps: int | None = None
    scale: float = 1.0
    multiple: float = 1.0


@dataclass
class PresetConfig:
    """What a preset in conf/method says about itself."""

    title: str | None = None
    color: str | None = None
    comparison: bool = False


@dataclass
class WandbConfig:
    """Settings of tracker=wandb."""

    mode: WandbMode = WandbMode.offline
    project: str = "cdfis_bench"
    entity: str | None = None


@dataclass
class Config:
    """The composed configuration of a run; conf/config.yaml describes every value.

    Made by `read_config` from a resolved configuration. Hydra uses the same class as the schema of
    the root.
    """

    dataset: dict[str, Any] = MISSING
    model: dict[str, Any] = MISSING
    metric: dict[str, Any] = MISSING
    selector: dict[str, Any] = MISSING
    weighting: dict[str, Any] = MISSING
    threshold: dict[str, Any] = MISSING
    source: dict[str, Any] = MISSING
    optimizer: dict[str, Any] = MISSING
    schedule: dict[str, Any] = MISSING
    augment: dict[str, Any] = MISSING
    device: dict[str, Any] = MISSING
    tracker: dict[str, Any] = MISSING
    figure: dict[str, Any] = MISSING
    method: str = MISSING
    method_title: str | None = None
    method_color: str | None = None
    preset: PresetConfig = field(default_factory=PresetConfig)
    seed: int = MISSING
    large_batch_size: int = MISSING
    batch_size: int = MISSING
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    eval_every: int = MISSING
    pattern_every: int | None = None
    record_learning: bool = False
    keep: KeepConfig = field(default_factory=KeepConfig)
    checkpoint_every: int | None = None
    scoring_mode: ScoringMode = ScoringMode.eval
    training_mode: ScoringMode = ScoringMode.train
    chunk_size: int = MISSING
    scoring_dtype: ScoringDtype = ScoringDtype.float32
    backend: BackendName = BackendName.auto
    results_dir: str = MISSING
    results_version: int = MISSING
    size: Size = Size.full
    redraw: str | None = None
    force: bool = False
    name: str = MISSING
    wandb: WandbConfig = field(default_factory=WandbConfig)


def resolve(cfg: DictConfig) -> dict[str, Any]:
    """The configuration as plain values: all interpolations resolved, enums by name.

    This is what the id of a run is computed from, and what run.json records.

    Args:
        cfg: A composed configuration.

    Returns:
        Nested dictionaries of plain values.

    Raises:
        UserError: If an interpolation cannot be resolved.
    """
    try:
        return OmegaConf.to_container(cfg, resolve=True, enum_to_str=True)  # pyright: ignore[reportReturnType]  # cfg is a DictConfig
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key}: {str(error).splitlines()[0]}") from error


def read_config(resolved: Mapping[str, Any]) -> Config:
    """The typed configuration.

    Args:
        resolved: A complete configuration of plain values, as `resolve` returns it.

    Returns:
        The configuration, its enums as members and its groups as plain dictionaries.

    Raises:
        UserError: If a key is unknown or missing, or a value has the wrong type.
    """
    known = [one.name for one in fields(Config)]
    for key in resolved:
        if key not in known:
            raise UserError(unknown_key(key, known))
    try:
        typed = OmegaConf.merge(OmegaConf.structured(Config), dict(resolved))
        return OmegaConf.to_object(typed)  # pyright: ignore[reportReturnType]  # Config, as structured
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key}: {str(error).splitlines()[0]}") from error


def method_label(root: DictConfig, preset: str | None = None) -> str:
    """The legend entry of the composed method.

    Args:
        root: The composed configuration.
        preset: The name that a preset of the group `method` gives itself.

    Returns:
        "uniform" if nothing is ever selected; otherwise `preset`; otherwise
        `<metric>_<selector>[_<weighting>][_<source>]`, without weighting=none and source=presample.
    """
    threshold = root.threshold
    never = threshold.get("name") == "never" or threshold.get("fraction") == 0
    presampling = root.source.get("name") == "presample"
    if never or (root.selector.get("name") == "uniform" and presampling):
        return "uniform"
    if preset is not None:
        return preset
    named = [root.metric.name, root.selector.name]
    named += [root.weighting.name] if root.weighting.name != "none" else []
    named += [] if presampling else [root.source.name]
    return "_".join(named)


def cores() -> int:
    """Number of cores that this process may use (CPU affinity and container limits apply)."""
    from joblib import cpu_count  # installed with the extra `parallel`

    return cpu_count()


def figure_name(root: DictConfig) -> str:
    """Default name of a sweep and its figure."""
    return "sweep" if root.redraw is None else f"{root.redraw}_{root.figure.name}"


def kept_steps(root: DictConfig, steps: int) -> int:
    """Steps of a run on the kept samples: the same number of steps, or of epochs."""
    share = root.keep.fraction if root.keep.equal == Equal.epochs else 1.0
    return max(1, round(steps * share))


def budget_share(root: DictConfig, share: float, otherwise: int) -> int:
    """A fraction of the run's budget in uniform steps; `otherwise` if only seconds are limited."""
    budget = root.budget
    steps = budget.steps if budget.uniform_steps is None else budget.uniform_steps
    factor = budget_factor(root)
    return otherwise if steps is None else max(1, round(share * whole_steps(steps, factor)))


def register() -> None:
    """Registers the schema with Hydra and the resolvers with OmegaConf; may be called again."""
    ConfigStore.instance().store(name="schema", node=Config)
    OmegaConf.register_new_resolver(
        "cdfis.method",
        lambda preset=None, *, _root_: method_label(_root_, preset),
        replace=True,
    )
    OmegaConf.register_new_resolver(
        "cdfis.method_title",
        lambda *, _root_: method_title(_root_, method_label(_root_)),
        replace=True,
    )
    OmegaConf.register_new_resolver(
        "cdfis.method_color",
        lambda *, _root_: method_color(_root_, method_label(_root_)),
        replace=True,
    )
    OmegaConf.register_new_resolver(
        "cdfis.compared_methods", lambda: ",".join(compared_methods()), replace=True
    )
    OmegaConf.register_new_resolver(
        "cdfis.name", lambda *, _root_: figure_name(_root_), replace=True
    )
    OmegaConf.register_new_resolver(
        "cdfis.size",
        lambda full, small, *, _root_: small if _root_.size == Size.small else full,
        replace=True,
    )
    OmegaConf.register_new_resolver(
        "cdfis.kept_steps", lambda steps, *, _root_: kept_steps(_root_, steps), replace=True
    )
    OmegaConf.register_new_resolver(
        "cdfis.budget_share",
        lambda share, otherwise, *, _root_: budget_share(_root_, share, otherwise),
        replace=True,
    )
    OmegaConf.register_new_resolver(
        "cdfis.targets", lambda *, _root_: dataset_targets(_root_), replace=True
    )
    OmegaConf.register_new_resolver(
        "cdfis.mini_batches",
        lambda number, *, _root_: number * _root_.batch_size,
        replace=True,
    )
    OmegaConf.register_new_resolver("cdfis.cores", cores, replace=True)


register()
