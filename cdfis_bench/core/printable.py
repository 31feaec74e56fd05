"""Text from files, without the characters that steer a terminal."""

import re
from typing import Any

# Control characters but tab and newline (ESC starts the sequences that move the cursor, change
# titles and clear the screen), and those that reverse the direction in which a line is shown.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(value: Any) -> Any:
    """`value` with such characters as visible escapes, in all strings that it contains.

    Args:
        value: Plain JSON values.

    Returns:
        The same values; dictionaries and lists are copied.
    """
    if isinstance(value, str):
        # isprintable() is quick, and true of nearly all strings.
        return value if value.isprintable() else _STEERING.sub(_escape, value)
    if isinstance(value, dict):
        return {printable(key): printable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [printable(one) for one in value]
    return value


def one_line(text: str) -> str:
    """`text` as `printable` returns it, in one line."""
    return printable(" ".join(text.split()))


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def os_sentence(error: OSError) -> str:
    """What the system refused, as one sentence for the user."""
    reason = one_line(error.strerror or str(error))
    where = f"{error.filename} cannot be read or written" if error.filename else "a file failed"
    return f"{where} ({reason}); check the disk and the permissions, then give the command again"
