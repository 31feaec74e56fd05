"""What to type instead: one table for keys and options that people try."""

import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override
from hydra.errors import HydraException

from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError

SEEDS = "for several seeds use -m seed='range(0,10)'"
EPOCHS = (
    "a run is measured in steps: use budget.steps=..., where an epoch is train samples / "
    "batch_size steps (391 for Two Circles)"
)
# From a key, or group=option, to what to do; the first pattern that matches all of it counts.
# {value} is what was given.
HINTS = {
    # Values for a group that belong to one of its keys.
    r"threshold=[\d.e+-]+": "use threshold.fraction={value}",
    r"seed=.*": SEEDS,
    r"device=(cuda|gpu):\d+|device=\d+": (
        "a run uses the first GPU that it sees: use device=cuda, with CUDA_VISIBLE_DEVICES={number}"
        " before the command"
    ),
    r"device=gpu": "use device=cuda",
    r"wandb=.*": "use wandb.mode={value}",
    r"budget=\d+": "use budget.steps={value}",
    r"keep=[\d.]+": "use keep.fraction={value}",
    r"tracker=(false|no|off|disabled|offline|online)": "use tracker=none, or wandb.mode=offline",
    r"model=(two_circles|perceptron)": "use model=mlp",
    # Keys.
    r"seeds?|n_seeds|num_seeds": SEEDS,
    r"(optimizer\.)?(lr|learning_rate)": "use optimizer.lr={value}",
    r"(optimizer\.)?momentum": "use optimizer=sgd optimizer.momentum={value}",
    r"(optimizer\.)?weight_decay": "use optimizer=adamw optimizer.weight_decay={value}",
    r"(n_|num_|max_|budget\.)?epochs?": EPOCHS,
    r"(n_|num_|max_)?steps|iterations|iters": "use budget.steps={value}",
    r"(train_)?seconds|time": "use budget.train_seconds={value}",
    r"batch|bs|batchsize|n|N|mini_?batch(_size)?": "use batch_size={value}, the samples trained on",
    r"k|K|large_batch|candidates": "use large_batch_size={value}, the candidates of a step",
    r"(gpus?|gpu_id|cuda)": (
        "use device=cuda, with CUDA_VISIBLE_DEVICES={number} before the command to choose one"
    ),
    r"(lr_?)?scheduler?(\..*)?": "use schedule=cosine (or linear, one_cycle, step)",
    r"warm_?up(_steps|_epochs)?": "use schedule.warmup=0.05, a share of the budget",
    r"model\.(n_|num_)?classes": (
        "model=mlp has the classes last in its sizes: use model.sizes=[2,50,{value}]; other models "
        "read dataset.classes"
    ),
    r"model\.(hidden|width|layers|hidden_size)": "use model.sizes=[2,{value},2]",
    r"dataset\.(n_|num_)?classes": "only dataset=arrays is told its classes: use dataset=arrays",
    r"dataset\.(url|link)": (
        "nothing is loaded from a URL: use dataset=arrays dataset.path=<file>.npz, or "
        "dataset.download=true with mnist, cifar10 or pcam"
    ),
    r"(dataset\.)?(path|file)|data": "use dataset=arrays dataset.path=<file>.npz",
    r"root|dataset\.(dir|folder|data_dir)|data_dir": "use dataset.root={value}",
    r"dataset\.(size|n|samples)|train_size": "use dataset.train_size={value}",
    r"(dataset\.)?val(id|idation)?(_?(fraction|size|split|share|set|ratio))?": (
        "use dataset.validation_fraction={value}, a fraction of the training set"
    ),
    r"download": "use dataset.download={value}",
    r"fraction|threshold\.(value|ratio|level)": "use threshold.fraction={value}",
    r"replacement": "use selector.replacement={value}",
    r"form": "use selector.form={value}",
    r"threads|num_threads|(n_|num_)?workers": "use device.threads={value}",
    r"out|output|output_dir|results|save_dir": "use results_dir={value}",
    r"epochs_per_eval|eval|eval_interval": "use eval_every={value}, in steps",
    r"resume|checkpoint": (
        "an interrupted run is resumed by the same command: use checkpoint_every={value}, in steps"
    ),
    r"dtype|precision|amp|fp16": "use scoring_dtype=bfloat16; training is float32",
}  # fmt: skip


def hint(given: str, value: str) -> str | None:
    """What to type instead of a key or option that does not exist.

    Args:
        given: A key with dots, or group=option.
        value: The value that was given.

    Returns:
        A phrase that begins with what to do, or None if the table has none.
    """
    for pattern, phrase in HINTS.items():
        if re.fullmatch(pattern, given):
            number = re.search(r"\d+", value)
            shown = value if len(value) <= 40 else "..."
            return phrase.replace("{value}", shown).replace(
                "{number}", number[0] if number else "0"
            )
    return None


def check_groups(arguments: Sequence[str]) -> None:
    """Checks that every group is given the name of an option; Hydra has no message for others.

    Args:
        arguments: Of the command line. What cannot be parsed is left to Hydra.

    Raises:
        UserError: If a group is given a number, a list, a mapping, or null.
    """
    groups = {path.name for path in conf_dir().iterdir() if path.is_dir()} - {"hydra"}
    parser = OverridesParser.create()
    for argument in arguments:
        try:
            override = parser.parse_override(argument)
        except HydraException:  # an option such as --cfg, or a mistake that Hydra reports
            continue
        if override.key_or_group in groups and not override.is_delete():
            _check_group(override)


def _check_group(override: Override) -> None:
    group = override.key_or_group
    value = override.value()
    values = value.list if isinstance(value, ChoiceSweep) else [value]
    for one in values:
        optional = group in ("method", "experiment") and one is None
        # A quoted text is of a type of its own, which str() unquotes.
        if optional or isinstance(one, str) or type(one).__name__ == "QuotedString":
            continue
        text = override.input_line or f"{group}={one}"
        first = "null" if one is None else str(one).lower()
        options = sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))
        more = hint(f"{group}={first}", first) or (
            f"use one of its options, such as {group}={', '.join(options[:6])}"
        )
        raise UserError(f"{text[:80]} names no option of the group {group}; {more}")
