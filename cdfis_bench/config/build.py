"""Builds the objects of a run from its configuration. Only this module uses Hydra's instantiate."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import Generator, nn

from cdfis_bench.backends import apply_backend
from cdfis_bench.config.arguments import check_names, check_types
from cdfis_bench.config.augment import make_augment, set_up_augment
from cdfis_bench.config.optimizer import build_optimizer
from cdfis_bench.config.schema import Config, ScoringDtype, ScoringMode
from cdfis_bench.core.budget_factor import FACTORS, LARGEST_FACTOR, product, scaled
from cdfis_bench.core.errors import LARGEST_WHOLE, UserError, require, require_number, require_whole
from cdfis_bench.core.method import Method, Scoring
from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.schedule import Schedule
from cdfis_bench.core.streams import drawing_from, run_streams, stream
from cdfis_bench.core.types import Sizes
from cdfis_bench.datasets.dataset import Dataset, DataSource
from cdfis_bench.datasets.validation import hold_out, require_fraction
from cdfis_bench.engine.budget import Budget
from cdfis_bench.engine.fit import check_fit, check_part
from cdfis_bench.engine.setup import RunSetup

# Keys of a group's YAML that describe the option and are not arguments of its constructor.
_NOT_ARGUMENTS = ("name", "facts", "recipe")
_NOT_OF_A_DATASET = ("target", "validation_fraction")  # of its runs and figures
LONGEST_REASON = 120  # characters of a message that a library raised


def make(group: str, config: Mapping[str, Any], **more: Any) -> Any:
    """The object that an option of a group describes.

    Args:
        group: Name of the group, for messages.
        config: The option's values, with `_target_`.
        **more: Further arguments of the constructor.

    Returns:
        The instance.

    Raises:
        UserError: If it cannot be made of these values.
    """
    left_out = (*_NOT_ARGUMENTS, *(_NOT_OF_A_DATASET if group == "dataset" else ()))
    arguments = {key: value for key, value in config.items() if key not in left_out}
    name, target = config.get("name"), arguments.get("_target_")
    require(
        target is not None,
        f"{group}={name} has no _target_: name the class or function that makes it",
    )
    values = {key: value for key, value in arguments.items() if key != "_target_"}
    check_names(group, name, values, target)
    try:
        made = instantiate(arguments, **more, _convert_="all")
        check_types(group, values, target)
        return made
    except InstantiationException as error:
        cause = error.__cause__ or error
        if isinstance(cause, UserError):
            raise cause from None
        check_types(group, values, target)
        reason = " ".join(str(cause).split())
        if len(reason) > LONGEST_REASON:
            reason = reason[:LONGEST_REASON] + "..."
        given = ", ".join(values) or "no values"
        raise UserError(f"{group}={name} cannot be built from {given}: {reason}") from error


def check_values(config: Config) -> None:
    """Checks root values that need no data. Raises UserError for the first that cannot work."""
    for group in fields(config):
        _require_finite(group.name, getattr(config, group.name))
    for key in ("batch_size", "large_batch_size", "eval_every", "chunk_size", "results_version"):
        require_whole(key, getattr(config, key), 1)
    require_whole("seed", config.seed, 0)
    k, n = config.large_batch_size, config.batch_size
    require(
        n <= k, f"batch_size={n} exceeds large_batch_size={k}; lower batch_size or raise the other"
    )
    for key in ("pattern_every", "checkpoint_every"):
        every = getattr(config, key)
        if every is not None:
            require_whole(key, every, 1)
    for key in ("steps", "uniform_steps"):
        limit = getattr(config.budget, key)
        require(
            limit is None or limit <= LARGEST_WHOLE,
            f"budget.{key}={str(limit)[:40]} must be at most {LARGEST_WHOLE}",
        )
    for key in FACTORS:
        require_number(
            f"budget.{key}", getattr(config.budget, key), 0, LARGEST_FACTOR, open_low=True
        )
    require_number("keep.fraction", config.keep.fraction, 0, 1, open_low=True)
    require_fraction(config.dataset.get("validation_fraction", 0))


def _require_finite(key: str, value: Any) -> None:
    """Raises UserError for nan and inf anywhere in the configuration."""
    if is_dataclass(value):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _require_finite(f"{key}.{name}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _require_finite(key, inner)
    elif isinstance(value, float):
        require(math.isfinite(value), f"{key}={value} must be a finite number; null is no limit")


def fingerprint(config: Config) -> str:
    """Identifies the data that a run would use. Raises UserError if the data is missing."""
    return data_source(config).fingerprint()


def data_source(config: Config) -> DataSource:
    """The dataset, not loaded yet. Raises UserError if it cannot be made of these values."""
    source = make("dataset", config.dataset)
    able = hasattr(source, "load") and hasattr(source, "fingerprint")
    require(
        able,
        f"dataset={config.dataset.get('name')} makes a {type(source).__name__}, which lacks the "
        "methods load and fingerprint of cdfis_bench.datasets.dataset.DataSource",
    )
    return source


Keeping = Callable[[Dataset, int], Dataset]


def build(
    config: Config,
    device: torch.device,
    keep: Keeping = lambda dataset, seed: dataset,
) -> RunSetup:
    """Builds all parts of a run and checks that they fit together.

    Parts that need no data are built first, so that most mistakes are answered before it is loaded.

    Args:
        config: The configuration of the run.
        device: Where the run is computed.
        keep: Maps (dataset, seed) to the dataset with the part of its training set to train on;
            called when the validation set has been held out.

    Returns:
        Everything that the training loop needs, on the device.

    Raises:
        UserError: If a part cannot work with these values, or with another part.
    """
    check_values(config)
    limits = config.budget
    factor = product(limits.scale, limits.multiple)
    budget = Budget(
        steps=scaled(limits.steps, factor),
        train_seconds=None if limits.train_seconds is None else limits.train_seconds * factor,
        uniform_steps=scaled(limits.uniform_steps, factor),
        batch_size=config.batch_size,
    )
    groups = ("metric", "selector", "weighting", "threshold")
    for group in groups:  # refuses bad values before data is loaded; built again for every run
        check_part(group, make(group, getattr(config, group)))

    def make_model(weights: Generator) -> nn.Module:
        with drawing_from(weights):
            model = make("model", config.model)
            require_made("model", config.model, model, nn.Module)
            return model.to(device)

    model = make_model(stream(config.seed, "init"))

    def make_optimizer(parameters: Any) -> torch.optim.Optimizer:
        optimizer = build_optimizer(make, config.optimizer, parameters)
        require_made("optimizer", config.optimizer, optimizer, torch.optim.Optimizer)
        return optimizer

    make_optimizer(list(model.parameters()))
    schedule: Schedule = make("schedule", config.schedule)
    augment = make_augment(make, config)
    whole = data_source(config).load(device)
    fraction = config.dataset.get("validation_fraction", 0)
    held_out = hold_out(whole, fraction, config.seed, config.large_batch_size)
    dataset = keep(held_out, config.seed)
    set_up_augment(augment, config, dataset.sample_shape, dataset.pixel_scale)
    _check_fit(config, model, dataset)
    some = torch.arange(
        min(config.batch_size, len(dataset.train)), device=dataset.train.index_device
    )
    scoring = Scoring(
        config.scoring_mode == ScoringMode.train, config.chunk_size, _scoring_dtype(config, device)
    )
    backend = apply_backend(
        config.backend.value,
        model,
        dataset.train.batch(some).x,
        scoring.train_mode,
        scoring.dtype,
        scoring.chunk_size,
    )
    scoring = replace(scoring, chunk_size=backend.chunk_size)
    streams = run_streams(config.seed, device, dataset.train.index_device)

    def make_method() -> Method:
        fresh = {group: make(group, getattr(config, group)) for group in groups}
        source = make(
            "source",
            config.source,
            samples=dataset.train,
            large_batch_size=config.large_batch_size,
            batch_size=config.batch_size,
        )
        check_part("source", source)
        method = Method(source=source, scoring=scoring, **fresh)
        k, n = config.large_batch_size, config.batch_size
        method.setup(Sizes(len(dataset.train), k, n, device))
        return method

    method = make_method()
    check_fit(method)
    if method.selector.uses_scores:
        method.metric.check(model)
    return RunSetup(
        model=model,
        make_model=make_model,
        make_optimizer=make_optimizer,
        dataset=dataset,
        make_method=make_method,
        streams=streams,
        seed=config.seed,
        device=device,
        schedule=schedule,
        augment=augment,
        batch_size=config.batch_size,
        budget=budget,
        train_mode=config.training_mode == ScoringMode.train,
        eval_every=config.eval_every,
        pattern_every=config.pattern_every,
        record_learning=config.record_learning,
        checkpoint_every=config.checkpoint_every,
        eval_chunk_size=backend.chunk_size,
        backend=backend,
    )


def require_made(group: str, config: Mapping[str, Any], made: object, kind: type) -> None:
    """Raises UserError unless an option has made an object of the group's kind."""
    require(
        isinstance(made, kind),
        f"{group}={config.get('name')} makes a {type(made).__name__}, but {group} needs a "
        f"{kind.__module__}.{kind.__qualname__}; change {group}._target_",
    )


def _scoring_dtype(config: Config, device: torch.device) -> torch.dtype:
    name = config.scoring_dtype.value
    able = device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported())
    require(
        name == "float32" or able,
        f"scoring_dtype={name} is not supported on this {device.type} device; use "
        "scoring_dtype=float32",
    )
    return torch.bfloat16 if config.scoring_dtype == ScoringDtype.bfloat16 else torch.float32


def _check_fit(config: Config, model: nn.Module, dataset: Dataset) -> None:
    """Raises UserError unless the model maps the dataset's samples to one logit per class."""
    sample = dataset.train.batch(torch.arange(2, device=dataset.train.index_device))
    names = f"model={config.model.get('name')} and dataset={config.dataset.get('name')}"
    shape = tuple(dataset.sample_shape)
    values = ", ".join(f"model.{key}" for key in config.model if key not in ("name", "_target_"))
    try:
        with torch.no_grad(), in_mode(model, train=False):
            logits = model(sample.x)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{names} do not fit: the network cannot take samples of shape {shape} ({reason}); "
            f"change {values or 'the network'}, or choose another model"
        ) from error
    require(
        logits.shape == (2, dataset.n_classes),
        f"{names} do not fit: the network gives {tuple(logits.shape[1:])} values for a sample, "
        f"the dataset has {dataset.n_classes} classes",
    )
