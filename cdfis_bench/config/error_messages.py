"""From an exception of Hydra or OmegaConf to one sentence that says what to change."""

import re
from difflib import get_close_matches

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError


def sentence(error: BaseException) -> str:
    """What was wrong, the value, and what to do.

    error: UserError, or what Hydra or OmegaConf raised.
    """
    if isinstance(error, UserError):
        return str(error)
    text = f"{error}\n{error.__cause__ or ''}"
    if value := re.search(r"^.*(could not be converted|Invalid value).*$", text, re.MULTILINE):
        key = re.search(r"(?:full_key: |override )([\w.]+)", text)
        return f"{key[1]}: {value[0].strip()}" if key else value[0].strip()
    if match := re.search(r"Could not override '([^']+)'", text):
        return _unknown_key(match[1])
    if match := re.search(r"Could not find '([^']+)/([^'/]+)'", text):
        options = re.search(r"Available options in '[^']+':\s*((?:\n\t\S+)+)", text)
        names = options[1].split() if options else []
        return _unknown(f"{match[1]}={match[2]}", match[2], names, f"{match[1]}=")
    if "Ambiguous value for argument" in text:
        return f"{text.splitlines()[0]} To run every value, add -m (python -m cdfis_bench -m ...)."
    return text.strip().splitlines()[0]


def _unknown_key(key: str) -> str:
    """The sentence for a key that the configuration does not have."""
    known = _keys(_composed(), "")
    return _unknown(f"the key {key}", key, known, "") + "; python -m cdfis_bench --help lists all"


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
    """All dotted keys below `node`, without resolving anything."""
    keys: list[str] = []
    for name in node:
        keys.append(f"{prefix}{name}")
        if not OmegaConf.is_interpolation(node, str(name)) and OmegaConf.is_dict(
            node._get_node(name)
        ):
            keys += _keys(node[name], f"{prefix}{name}.")
    return keys
