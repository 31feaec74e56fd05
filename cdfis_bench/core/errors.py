"""The one exception whose text is written for the person at the terminal."""


class UserError(Exception):
    """Something the user can mend: what was wrong, the value, what to do, in one sentence."""


def require(claim: bool, message: str) -> None:
    """Raises UserError(message) unless `claim` holds. Used by constructors, so that bad values
    never start a run.
    """
    if not claim:
        raise UserError(message)


def require_number(
    name: str, value: object, low: float, high: float, *, open_low: bool = False
) -> float:
    """`value` as a float if it is a number in [low, high] (low excluded with open_low).

    Raises UserError naming the key, the value and the range. Booleans and strings are no numbers.
    """
    bracket = "(" if open_low else "["
    expected = f"{name}={value!r} must be a number in {bracket}{low:g}, {high:g}]"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(expected)
    if not (low < value if open_low else low <= value) or not value <= high:
        raise UserError(expected)
    return float(value)


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """`value` if it is one of `choices`; otherwise raises UserError naming them."""
    if value not in choices:
        raise UserError(f"{name}={value!r} is not known; choose one of: {', '.join(choices)}")
    return str(value)


def require_bool(name: str, value: object) -> bool:
    """`value` if it is true or false; otherwise raises UserError (a string such as 'no' is not
    false).
    """
    if not isinstance(value, bool):
        raise UserError(f"{name}={value!r} must be true or false")
    return value
