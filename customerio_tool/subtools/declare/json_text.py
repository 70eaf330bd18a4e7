"""JSON without white space, as it is sent, measured, logged and hashed."""

from __future__ import annotations

import json
from typing import Any


def compact(
    value: Any, *, is_ascii: bool = False, sort_keys: bool = False, allow_nan: bool = True
) -> str:
    """Return a value as JSON.

    Args:
        value: What to write.
        is_ascii: Escape all other characters, halves of surrogate pairs included.
        sort_keys: Write equal objects alike, whatever the order of their members.
        allow_nan: Write numbers that are not finite as Python does, which no other reader takes.

    Raises:
        ValueError: A number is not finite, and that is not allowed.
    """
    return json.dumps(
        value,
        ensure_ascii=is_ascii,
        sort_keys=sort_keys,
        allow_nan=allow_nan,
        separators=(",", ":"),
    )
