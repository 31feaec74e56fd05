"""Turns exceptions of Hydra and OmegaConf into one sentence that says what to change."""

import re
from difflib import get_close_matches

from hydra import compose, initialize_config_dir
from hydra.errors import OverrideParseException
from omegaconf import DictConfig, OmegaConf

from cdfis_bench.config.hints import hint
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
LONGEST = 260  # characters of a sentence


def sentence(error: BaseException) -> str:
    """Describes a mistake in one sentence: what is wrong, the value, and what to do.

    Args:
        error: A UserError, or what Hydra or OmegaConf raised.

    Returns:
        One line, without a full stop.
    """
    return _one_line(str(error) if isinstance(error, UserError) else _composition_error(error))


def _composition_error(error: BaseException) -> str:
    """The sentence for what Hydra or OmegaConf raised."""
    text = f"{error}\n{error.__cause__ or ''}"
    if isinstance(error, OverrideParseException):
        return _not_parsed(error.override)
    if value := re.search(r"^.*(could not be converted|Invalid value).*$", text, re.MULTILINE):
        key = re.search(r"(?:full_key: |override )([\w.]+)", text)
        name = key[1] if key else ""
        more = hint(f"{name}=", "") if name == "seed" else None
        said = _short(value[0].strip(), 200) + (f"; {more}" if more else "")
        return f"{name}: {said}" if name else said
    if match := re.search(r"Error merging override ([\w.@/]+)=(.*)", text):
        return _not_merged(match[1], match[2], error)
    if match := re.search(r"Could not override '([^']+)'(?:.*\+[^=\s]+=(.*))?", text, re.DOTALL):
        value_given = (match[2] or "...").splitlines()[0] if match[2] else "..."
        return unknown_key(match[1], _keys(_composed(), ""), value_given)
    if match := re.search(r"Could not delete from config. '([^']+)' does not exist", text):
        return unknown_key(match[1], _keys(_composed(), ""))
    if match := re.search(r"Could not find '([^']+)/([^'/]+)'", text):
        options = re.search(r"Available options in '[^']+':\s*((?:\n\t\S+)+)", text)
        return _unknown_option(match[1], match[2], options[1].split() if options else [])
    if "Ambiguous value for argument" in text:
        return f"{text.splitlines()[0]} To run every value, add -m (python -m cdfis_bench -m ...)."
    return _short(text.strip().splitlines()[0], LONGEST)


def _not_parsed(override: str) -> str:
    """The sentence for an argument that Hydra's grammar has no reading for."""
    given = _short(override, 80)
    if "=" not in override:
        return f"{given!r} is no key=value; write group=option or key=value, such as seed=1"
    key = override.partition("=")[0]
    home = "use $HOME for the home folder, and " if "~/" in override else ""
    return (
        f"{given!r} cannot be read; {home}put a value with special characters into quotes: "
        f"\"{_short(key, 40)}='...'\""
    )


def _not_merged(key: str, value: str, error: BaseException) -> str:
    """The sentence for a value that does not fit its key: null, or a value for a whole block."""
    below = [name for name in _keys(_composed(), "") if name.startswith(f"{key}.")]
    given = f"{key}={_short(value, 80)}"
    if below:
        more = hint(given, value) or f"use one of {', '.join(below[:4])}"
        return f"{given} cannot be used: {key} is a block of values; {more}"
    if value == "null":
        return f"{given} cannot be used: it needs a value; leave it out for the default"
    cause = str(error.__cause__ or error).splitlines()[0]
    return f"{given} cannot be used: {_short(cause, 160)}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _one_line(text: str) -> str:
    """The text without line breaks and terminal escapes."""
    text = " ".join(text.split())
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def unknown_key(key: str, known: list[str], value: str = "...") -> str:
    """The sentence for a key that the configuration does not have.

    Args:
        key: The key, with dots.
        known: All keys that there are.
        value: The value that was given.

    Returns:
        Its new name if it was renamed, or what is called so here, or the keys that look most alike.
    """
    if key in RENAMED_KEYS:
        return f"the key {key} was renamed; use {RENAMED_KEYS[key]}=..."
    shown = _short(key, 60)
    if more := hint(key, value):
        return f"the key {shown} is not known; {more}"
    return _unknown(f"the key {shown}", key, known, "") + "; python -m cdfis_bench --help lists all"


def _unknown_option(group: str, option: str, known: list[str]) -> str:
    """The sentence for an option that a group does not have."""
    given = f"{group}={option}"
    if given in RENAMED_OPTIONS:
        return f"{given} was renamed; use {RENAMED_OPTIONS[given]}"
    if more := hint(given, option):
        return f"{_short(given, 60)} is not known; {more}"
    return _unknown(_short(given, 60), option, known, f"{group}=")


def _unknown(what: str, word: str, known: list[str], prefix: str) -> str:
    near = get_close_matches(word, known, n=3, cutoff=0.6)
    if near:
        return f"{what} is not known; did you mean {' or '.join(prefix + name for name in near)}?"
    listed = f"; choose one of: {', '.join(known)}" if prefix and known else ""
    return _short(f"{what} is not known{listed}", LONGEST)


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
