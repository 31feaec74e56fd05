"""Checksums: damage of a file is found even if what is left can still be read."""

import hashlib
import json
from typing import Any

_MARK = b',\n "checksum": "'


def sealed(values: dict[str, Any]) -> str:
    """The text of a JSON file whose last key, `checksum`, is the SHA-256 of the text before it.

    Args:
        values: One key or more, as `json.dump` takes them; an earlier `checksum` is dropped.

    Returns:
        The text.
    """
    kept = {key: value for key, value in values.items() if key != "checksum"}
    body = json.dumps(kept, indent=1).removesuffix("\n}")
    return f'{body}{_MARK.decode()}{sha256(body.encode())}"\n}}\n'


def is_intact(text: bytes) -> bool:
    """Whether `text` is what `sealed` made, byte for byte."""
    body, _, end = text.rpartition(_MARK)
    return bool(body) and end == f'{sha256(body)}"\n}}\n'.encode()


def sha256(data: bytes) -> str:
    """The SHA-256 of `data` as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
