"""Checks the values of a group's option against the signature of what they are passed to.

Python and PyTorch take true for 1, and a text that is not empty for true: optimizer.lr=true would
train with a learning rate of 1, and optimizer.fused=no with fused=True.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from hydra.utils import get_object

from cdfis_bench.config.hints import hint
from cdfis_bench.core.errors import UserError

NUMBERS = {"int", "float"}
# Hydra's own arguments: they would build something else than one object of these values.
HYDRAS = ("_args_", "_partial_", "_recursive_", "_convert_")


def parameters_of(target: object) -> Mapping[str, inspect.Parameter] | None:
    """The parameters that `target` takes by name; None if it takes any, or cannot say."""
    try:
        made: Callable[..., Any] = get_object(target) if isinstance(target, str) else target  # pyright: ignore[reportAssignmentType]
        found = inspect.signature(made).parameters
    except Exception:  # importing it runs code of a guest; instantiate reports what is wrong
        return None
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in found.values()):
        return None
    return found


def check_names(group: str, name: object, arguments: Mapping[str, Any], target: object) -> None:
    """Checks that the target takes these arguments.

    Args:
        group: Name of the group.
        name: Name of its option.
        arguments: Their names and values, without `_target_`.
        target: What they are passed to: a dotted name, or the object.

    Raises:
        UserError: If one of them is unknown.
    """
    for key in arguments:
        if key in HYDRAS:
            raise UserError(
                f"the key {group}.{key} cannot be set: an option is one object made of its own "
                "values; leave it out"
            )
    found = parameters_of(target)
    if found is None:
        return
    for key, value in arguments.items():
        if key not in found:
            known = [one for one in found if not one.startswith("_") and one != "params"]
            more = hint(f"{group}.{key}", str(value)) or f"it takes {', '.join(known) or 'none'}"
            raise UserError(
                f"{group}={name} cannot be built: the key {group}.{key} is not known; {more}"
            )


def check_types(group: str, arguments: Mapping[str, Any], target: object) -> None:
    """Checks truth values and numbers, as far as the target says which of them it expects.

    Args:
        group: Name of the group.
        arguments: Their names and values, without `_target_`.
        target: What they are passed to.

    Raises:
        UserError: If a truth value or a text stands for a number, or something else for true.
    """
    found = parameters_of(target) or {}
    for key, value in arguments.items():
        types = _types(found[key]) if key in found else set()
        optional = "None" in types or "Optional" in types
        types -= {"None", "Optional", "Union", "typing", "torch", "Tensor"}
        if not types or (value is None and optional):
            continue
        given = f"{group}.{key}={value!r}"
        null = ", or null" if optional else ""
        if types == {"bool"} and not isinstance(value, bool):
            raise UserError(f"{given} must be true or false{null}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if types <= NUMBERS and not number:
            raise UserError(f"{given} must be a number{null}")
        if types == {"int"} and isinstance(value, float):
            raise UserError(f"{given} must be a whole number{null}")


def _types(parameter: inspect.Parameter) -> set[str]:
    """The names in a parameter's annotation, which may be a text."""
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return set()
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return set(re.findall(r"[A-Za-z_]\w*", text.replace("NoneType", "None")))
