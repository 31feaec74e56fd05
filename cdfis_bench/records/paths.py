"""Names that become files or folders: each is one component of a path, or refused."""

import unicodedata

from cdfis_bench.core.errors import UserError

MAX_CHARACTERS = 100
_MAX_BYTES = 200  # file systems allow 255 bytes; endings such as .json.tmp are added to a name


def one_component(key: str, value: object, max_characters: int = MAX_CHARACTERS) -> str:
    """Checks that a value can be the name of a file or folder in the store of results, and no path.

    Args:
        key: The configuration key, for the message.
        value: What was given.
        max_characters: Largest length.

    Returns:
        The value as text.

    Raises:
        UserError: If it is empty, too long, `.` or `..`, or contains a separator
            of paths or a character that is not printed.
    """
    text = str(value)
    problem = _problem(text, max_characters)
    if problem:
        shown = text if len(text) <= max_characters else f"{text[:max_characters]}..."
        raise UserError(
            f"{key}={shown!a} {problem}; it names a file or folder in results_dir, so use letters, "
            f"digits, - and _, at most {max_characters}"
        )
    return text


def _problem(text: str, max_characters: int) -> str | None:
    if not text.strip():
        return "is empty"
    if text in (".", ".."):
        return "is a path"
    if any(separator in text for separator in "/\\"):
        return "contains a path separator"
    # Category C: control and format characters, lone surrogates, code points without a character.
    if any(unicodedata.category(character)[0] == "C" for character in text):
        return "contains a character that is not printed"
    if len(text) > max_characters or len(text.encode()) > _MAX_BYTES:
        return "is too long"
    return None
