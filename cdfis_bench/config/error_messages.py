"""Turns exceptions of Hydra and OmegaConf into one sentence that says what to change."""

import re
from difflib import get_close_matches

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError

# What was called otherwise in earlier releases. A renamed option answers with its new name.
RENAMED_OPTIONS = {
    "threshold=none": "threshold=always",
    "hydra/launcher=ensemble": "hydra/launcher=batched_seeds",
    "model=mnist": "model=cnn",
    "model=cifar10": "model=cnn",
    "model=pcam": "model=cnn",
    "model=arrays": "model=cnn",
    "model=two_circles": "model=mlp",
}
RENAMED_KEYS = {
    "kernel": "backend",
    "protocol": "results_version",
    "dataset.suggested.channels": "dataset.facts.channels",
    "dataset.suggested.side": "dataset.facts.side",
    "dataset.suggested.classes": "dataset.facts.classes",
    "dataset.suggested.steps": "dataset.recipe.steps",
    "dataset.suggested.eval_every": "dataset.recipe.eval_every",
    "dataset.suggested.chunk_size": "dataset.recipe.chunk_size",
    "dataset.suggested.threads": "dataset.recipe.threads",
    "dataset.suggested.learning_rate": "dataset.recipe.learning_rate",
    "dataset.suggested.threshold_fraction": "dataset.recipe.threshold_fraction",
    "figure.root": "figure.load_gallery.root",
    "figure.path": "figure.load_gallery.path",
    "figure.cache_dir": "figure.load_gallery.cache_dir",
}


def sentence(error: BaseException) -> str:
    """Describes a mistake in one sentence: what is wrong, the value, and what to do.

    Args:
        error: A UserError, or what Hydra or OmegaConf raised.

    Returns:
        One line, without a full stop.
    """
    if isinstance(error, UserError):
        return str(error)
    text = f"{error}\n{error.__cause__ or ''}"
    if value := re.search(r"^.*(could not be converted|Invalid value).*$", text, re.MULTILINE):
        key = re.search(r"(?:full_key: |override )([\w.]+)", text)
        return f"{key[1]}: {value[0].strip()}" if key else value[0].strip()
    if match := re.search(r"Could not override '([^']+)'", text):
        return unknown_key(match[1], _keys(_composed(), ""))
    if match := re.search(r"Could not find '([^']+)/([^'/]+)'", text):
        options = re.search(r"Available options in '[^']+':\s*((?:\n\t\S+)+)", text)
        return _unknown_option(match[1], match[2], options[1].split() if options else [])
    if "Ambiguous value for argument" in text:
        return f"{text.splitlines()[0]} To run every value, add -m (python -m cdfis_bench -m ...)."
    return text.strip().splitlines()[0]


def unknown_key(key: str, known: list[str]) -> str:
    """The sentence for a key that the configuration does not have.

    Args:
        key: The key, with dots.
        known: All keys that there are.

    Returns:
        Its new name if it was renamed, otherwise the keys that look most alike.
    """
    if key in RENAMED_KEYS:
        return f"the key {key} was renamed; use {RENAMED_KEYS[key]}=..."
    return _unknown(f"the key {key}", key, known, "") + "; python -m cdfis_bench --help lists all"


def _unknown_option(group: str, option: str, known: list[str]) -> str:
    """The sentence for an option that a group does not have."""
    given = f"{group}={option}"
    if given in RENAMED_OPTIONS:
        return f"{given} was renamed; use {RENAMED_OPTIONS[given]}"
    return _unknown(given, option, known, f"{group}=")


def _unknown(what: str, word: str, known: list[str], prefix: str) -> str:
    near = get_close_matches(word, known, n=3, cutoff=0.6)
    if near:
        return f"{what} is not known; did you mean {' or '.join(prefix + name for name in near)}?"
    listed = f"; choose one of: {', '.join(known)}" if prefix and known else ""
    return f"{what} is not known{listed}"


def _composed() -> DictConfig:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("config")


def _keys(node: DictConfig, prefix: str) -> list[str]:
    """All dotted keys below `node`. Interpolations are not resolved."""
    keys: list[str] = []
    for name in node:
        keys.append(f"{prefix}{name}")
        if not OmegaConf.is_interpolation(node, str(name)) and OmegaConf.is_dict(
            node._get_node(name)
        ):
            keys += _keys(node[name], f"{prefix}{name}.")
    return keys
