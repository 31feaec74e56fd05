"""From a resolved configuration to the objects of a run; alone in using Hydra's instantiate."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import Generator, nn

from cdfis_bench.backends import apply_backend
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.method import Method, Scoring
from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.streams import drawing_from, run_streams, stream
from cdfis_bench.core.tracking import Tracker
from cdfis_bench.core.types import Sizes
from cdfis_bench.datasets.dataset import Dataset, DataSource
from cdfis_bench.engine.budget import Budget
from cdfis_bench.engine.fit import check_fit, check_part
from cdfis_bench.engine.setup import RunSetup

# Keys of a group's YAML that are words about the option, not arguments of its constructor.
_NOT_ARGUMENTS = ("name", "facts", "recipe")


def make(group: str, config: dict[str, Any], **more: Any) -> Any:
    """The object that the group's YAML describes. Raises UserError if it cannot be made."""
    arguments = {key: value for key, value in config.items() if key not in _NOT_ARGUMENTS}
    require(
        "_target_" in arguments,
        f"{group}={config.get('name')} has no _target_: name the class or function that makes it",
    )
    try:
        return instantiate(arguments, **more, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__ or error
        if isinstance(cause, UserError):
            raise cause from None
        reason = " ".join(str(cause).split())
        given = ", ".join(key for key in arguments if key != "_target_") or "no values"
        raise UserError(
            f"{group}={config.get('name')} cannot be built from {given}: {reason}"
        ) from error


def check_values(config: dict[str, Any]) -> None:
    """Raises UserError for root values that cannot work, before any data is loaded."""
    k, n = config["large_batch_size"], config["batch_size"]
    for key, least in (
        ("seed", 0),
        ("batch_size", 1),
        ("large_batch_size", 1),
        ("eval_every", 1),
        ("chunk_size", 1),
    ):
        require(config[key] >= least, f"{key}={config[key]} must be at least {least}")
    require(
        n <= k, f"batch_size={n} exceeds large_batch_size={k}; lower batch_size or raise the other"
    )
    for key in ("pattern_every", "checkpoint_every"):
        every = config[key]
        require(every is None or every >= 1, f"{key}={every} must be at least 1, or null")


def fingerprint(config: dict[str, Any]) -> str:
    """Of the data that the run would use. Raises UserError if it is not there."""
    source: DataSource = make("dataset", config["dataset"])
    return source.fingerprint()


def build_tracker(config: dict[str, Any]) -> Tracker:
    return make("tracker", config["tracker"])


Keeping = Callable[[Dataset, int], Dataset]


def build(
    config: dict[str, Any],
    device: torch.device,
    keep: Keeping = lambda dataset, seed: dataset,
) -> RunSetup:
    """All parts of the run, checked against each other; the cheap parts before the data.

    config: the fully resolved configuration. keep(dataset, seed): the dataset with the part of its
    training set that is trained on. Raises UserError with one sentence if a part cannot
    work.
    """
    check_values(config)
    budget = Budget(**config["budget"], batch_size=config["batch_size"])
    groups = ("metric", "selector", "weighting", "threshold")
    for group in groups:  # made again for every method; here to refuse bad values before data loads
        check_part(group, make(group, config[group]))

    def make_model(weights: Generator) -> nn.Module:
        with drawing_from(weights):
            return make("model", config["model"]).to(device)

    model = make_model(stream(config["seed"], "init"))

    def make_optimizer(parameters: Any) -> torch.optim.Optimizer:
        return make("optimizer", config["optimizer"], params=parameters)

    make_optimizer(list(model.parameters()))
    dataset = keep(make("dataset", config["dataset"]).load(device), config["seed"])
    _check_fit(config, model, dataset)
    some = torch.arange(
        min(config["batch_size"], len(dataset.train)), device=dataset.train.index_device
    )
    scoring = Scoring(
        config["scoring_mode"] == "train", config["chunk_size"], _scoring_dtype(config, device)
    )
    backend = apply_backend(
        config["backend"],
        model,
        dataset.train.batch(some).x,
        scoring.train_mode,
        scoring.dtype,
        scoring.chunk_size,
    )
    scoring = replace(scoring, chunk_size=backend.chunk_size)
    streams = run_streams(config["seed"], device, dataset.train.index_device)

    def make_method() -> Method:
        fresh = {group: make(group, config[group]) for group in groups}
        source = make(
            "source",
            config["source"],
            samples=dataset.train,
            large_batch_size=config["large_batch_size"],
            batch_size=config["batch_size"],
        )
        method = Method(source=source, scoring=scoring, **fresh)
        k, n = config["large_batch_size"], config["batch_size"]
        method.setup(Sizes(len(dataset.train), k, n, device))
        return method

    method = make_method()
    check_part("source", method.source)
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
        seed=config["seed"],
        device=device,
        batch_size=config["batch_size"],
        budget=budget,
        train_mode=config["training_mode"] == "train",
        eval_every=config["eval_every"],
        pattern_every=config["pattern_every"],
        record_learning=config["record_learning"],
        checkpoint_every=config["checkpoint_every"],
        eval_chunk_size=backend.chunk_size,
        backend=backend,
    )


def _scoring_dtype(config: dict[str, Any], device: torch.device) -> torch.dtype:
    name = config["scoring_dtype"]
    able = device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported())
    require(
        name == "float32" or able,
        f"scoring_dtype={name} is not for this {device.type} device; use scoring_dtype=float32",
    )
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def _check_fit(config: dict[str, Any], model: nn.Module, dataset: Dataset) -> None:
    """The model takes the dataset's samples and gives one logit per class."""
    sample = dataset.train.batch(torch.arange(2, device=dataset.train.index_device))
    names = f"model={config['model'].get('name')} and dataset={config['dataset'].get('name')}"
    shape = tuple(dataset.sample_shape)
    values = ", ".join(f"model.{key}" for key in config["model"] if key not in ("name", "_target_"))
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
