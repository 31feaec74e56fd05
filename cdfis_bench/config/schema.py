"""The typed root of the configuration: misspelt keys and wrong types are refused at once.

Leaves of the groups are open YAML, so that other people's parts need no schema; their constructors
check themselves.
Imports no torch: `--help` and tab completion read this file.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from cdfis_bench.config.presets import compared_methods, method_color, method_title


class WandbMode(Enum):
    offline = "offline"
    online = "online"
    disabled = "disabled"


class Size(Enum):
    full = "full"
    small = "small"


class ScoringMode(Enum):
    eval = "eval"
    train = "train"


class ScoringDtype(Enum):
    float32 = "float32"
    bfloat16 = "bfloat16"


class BackendName(Enum):
    auto = "auto"
    plain = "plain"
    channels_last = "channels_last"
    onednn = "onednn"


class KeepBy(Enum):
    random = "random"
    top_inclusion = "top_inclusion"
    bottom_inclusion = "bottom_inclusion"
    top_el2n = "top_el2n"
    bottom_el2n = "bottom_el2n"
    top_forgetting = "top_forgetting"
    bottom_forgetting = "bottom_forgetting"


class Equal(Enum):
    steps = "steps"
    epochs = "epochs"


@dataclass
class KeepConfig:
    fraction: float = 1.0
    by: KeepBy = KeepBy.random
    experiment: str = "prune_scores"
    equal: Equal = Equal.steps


@dataclass
class BudgetConfig:
    steps: int | None = MISSING
    train_seconds: float | None = None
    uniform_steps: int | None = None


@dataclass
class PresetConfig:
    title: str | None = None
    color: str | None = None
    comparison: bool = False


@dataclass
class WandbConfig:
    mode: WandbMode = WandbMode.offline
    project: str = "cdfis_bench"
    entity: str | None = None


@dataclass
class Config:
    """Every root value; conf/config.yaml says what each is for."""

    dataset: Any = MISSING
    model: Any = MISSING
    metric: Any = MISSING
    selector: Any = MISSING
    weighting: Any = MISSING
    threshold: Any = MISSING
    source: Any = MISSING
    optimizer: Any = MISSING
    device: Any = MISSING
    tracker: Any = MISSING
    method: str = MISSING
    method_title: str | None = None
    method_color: str | None = None
    preset: PresetConfig = field(default_factory=PresetConfig)
    seed: int = MISSING
    large_batch_size: int = MISSING
    batch_size: int = MISSING
    scoring_mode: ScoringMode = ScoringMode.eval
    training_mode: ScoringMode = ScoringMode.train
    chunk_size: int = MISSING
    scoring_dtype: ScoringDtype = ScoringDtype.float32
    backend: BackendName = BackendName.auto
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    eval_every: int = MISSING
    pattern_every: int | None = None
    record_learning: bool = False
    keep: KeepConfig = field(default_factory=KeepConfig)
    checkpoint_every: int | None = None
    protocol: int = MISSING
    results_dir: str = MISSING
    size: Size = Size.full
    redraw: str | None = None
    name: str = MISSING
    figure: Any = MISSING
    wandb: WandbConfig = field(default_factory=WandbConfig)


def method_label(root: DictConfig, preset: str | None = None) -> str:
    """The legend entry: uniform, the preset's, or <metric>_<selector>[_<weighting>][_<source>].

    preset: the name that a preset gives itself. Weighting none and source presample go without
    saying.
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
    """Cores that this process may use, as the pool counts them (affinity, a container's share)."""
    from joblib import cpu_count  # part of the extra `parallel`

    return cpu_count()


def figure_name(root: DictConfig) -> str:
    """What a sweep and its figure are called unless told otherwise."""
    return "sweep" if root.redraw is None else f"{root.redraw}_{root.figure.name}"


def kept_steps(root: DictConfig, steps: int) -> int:
    """Steps on the part of the training set that is kept: as many, or as many epochs."""
    share = root.keep.fraction if root.keep.equal == Equal.epochs else 1.0
    return max(1, round(steps * share))


def budget_share(root: DictConfig, share: float, otherwise: int) -> int:
    """So many steps of the run's budget, counted as uniform steps; `otherwise` if it is in seconds
    alone.
    """
    budget = root.budget
    steps = budget.steps if budget.uniform_steps is None else budget.uniform_steps
    return otherwise if steps is None else max(1, round(share * steps))


def register() -> None:
    """Makes the schema and the resolvers known to Hydra and OmegaConf; again is harmless."""
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
    OmegaConf.register_new_resolver("cdfis.cores", cores, replace=True)


register()
