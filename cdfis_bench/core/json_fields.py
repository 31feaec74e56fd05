"""Dataclasses read from plain JSON values, with every field's type checked."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from cdfis_bench.core.printable import printable

T = TypeVar("T")


def from_json(cls: type[T], values: object) -> T:
    """An instance of the dataclass `cls`, from what `json.load` returns.

    Supported field types: str, int, float, bool, None, Any, Literal, unions, list[...],
    Sequence[...], Mapping[str, ...], and other dataclasses with a class method `from_json`. Keys
    that `cls` does not have are ignored, so that a newer version may add some. Characters that
    would steer a terminal are made visible: whatever is read may be printed.

    Args:
        cls: A dataclass.
        values: A JSON object with a key for every field that has no default.

    Returns:
        The instance. A whole number is accepted where a float is expected.

    Raises:
        ValueError: If `values` is no object, a key is missing, or a value has the wrong type. The
            message names the key.
    """
    if not isinstance(values, dict):
        raise ValueError(f"a JSON object was expected, not {values!r}")
    types = get_type_hints(cls)
    arguments: dict[str, Any] = {}
    for field in fields(cls):  # pyright: ignore[reportArgumentType]  # cls is a dataclass
        if field.name in values:
            arguments[field.name] = _checked(field.name, values[field.name], types[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"the key {field.name} is missing")
    return cls(**arguments)


def _checked(key: str, value: object, expected: Any) -> object:
    """`value`, converted if `expected` is a dataclass. Raises ValueError if it does not fit."""
    if expected is Any:
        return printable(value)
    if isinstance(value, str):
        value = printable(value)
    origin, parameters = get_origin(expected), get_args(expected)
    if origin in (Union, UnionType):
        if value is None and NoneType in parameters:
            return None
        options = [one for one in parameters if one is not NoneType]
        if len(options) == 1:
            return _checked(key, value, options[0])
        if any(_fits(value, one) for one in options):
            return value
    elif origin is Literal:
        if value in parameters:
            return value
        raise ValueError(f"the key {key} must be one of {', '.join(parameters)}, not {value!r}")
    elif origin in (list, Sequence):
        if isinstance(value, list):
            return [_checked(f"{key}[{at}]", one, parameters[0]) for at, one in enumerate(value)]
    elif origin is Mapping:
        if isinstance(value, dict):
            return {
                name: _checked(f"{key}.{name}", one, parameters[1]) for name, one in value.items()
            }
    elif (read := getattr(expected, "from_json", None)) is not None:
        try:
            return read(value)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
    elif _fits(value, expected):
        return value
    raise ValueError(f"the key {key} must be {_name(expected)}, not {value!r}")


def _fits(value: object, expected: Any) -> bool:
    if isinstance(value, bool):  # a bool is an int in Python, but not in JSON
        return expected is bool
    return isinstance(value, (int, float) if expected is float else expected)


def _name(expected: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
    origin = get_origin(expected)
    if origin in (Union, UnionType):
        return " or ".join("null" if one is NoneType else _name(one) for one in get_args(expected))
    if origin is Mapping:
        return "an object"
    return names.get(expected, "a list")
