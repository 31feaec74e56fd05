"""The exception whose message is written for the user, and checks that raise it."""

LARGEST_WHOLE = 2**63 - 1  # an int64: larger ones fit into no tensor and no table


class UserError(Exception):
    """A mistake that the user can correct.

    Its message is one sentence: what is wrong, the value, and what to do.
    """


def require(claim: bool, message: str) -> None:
    """Checks a condition. Constructors use it, so that bad values are refused before a run starts.

    Args:
        claim: The condition.
        message: What to tell the user if it does not hold.

    Raises:
        UserError: If `claim` is false.
    """
    if not claim:
        raise UserError(message)


def require_number(
    name: str, value: object, low: float, high: float, *, open_low: bool = False
) -> float:
    """Checks that a value is a number in a range. Booleans and strings are not numbers.

    Args:
        name: The key, for the message.
        value: What was given.
        low: Smallest value that is allowed.
        high: Largest value that is allowed.
        open_low: Whether `low` itself is excluded.

    Returns:
        The value as a float.

    Raises:
        UserError: If it is no number, or outside the range.
    """
    bracket = "(" if open_low else "["
    expected = f"{name}={value!r} must be a number in {bracket}{low:g}, {high:g}]"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(expected)
    if not (low < value if open_low else low <= value) or not value <= high:
        raise UserError(expected)
    return float(value)


def require_whole(name: str, value: object, low: int, high: int = LARGEST_WHOLE) -> int:
    """Checks that a value is a whole number in a range. Booleans are not numbers.

    Args:
        name: The key, for the message.
        value: What was given.
        low: Smallest value that is allowed.
        high: Largest value that is allowed.

    Returns:
        The value.

    Raises:
        UserError: If it is no integer, or outside the range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise UserError(f"{name}={value!r} must be a whole number of at least {low}")
    if value > high:
        raise UserError(f"{name}={str(value)[:40]} must be a whole number of at most {high}")
    return value


def require_text(name: str, value: object) -> str | None:
    """Checks that a value is one line of text, or None.

    Args:
        name: The key, for the message.
        value: What was given.

    Returns:
        The value.

    Raises:
        UserError: If it is something else, or holds characters that cannot be printed.
    """
    if value is None or (isinstance(value, str) and value.isprintable()):
        return value
    raise UserError(f"{name}={value!r} must be one line of text, or null")


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Checks that a value is one of several strings.

    Args:
        name: The key, for the message.
        value: What was given.
        choices: What is allowed.

    Returns:
        The value.

    Raises:
        UserError: If it is none of them.
    """
    if value not in choices:
        raise UserError(f"{name}={value!r} is not known; choose one of: {', '.join(choices)}")
    return str(value)


def require_bool(name: str, value: object) -> bool:
    """Checks that a value is true or false; a string such as "no" is neither.

    Args:
        name: The key, for the message.
        value: What was given.

    Returns:
        The value.

    Raises:
        UserError: If it is no boolean.
    """
    if not isinstance(value, bool):
        raise UserError(f"{name}={value!r} must be true or false")
    return value
