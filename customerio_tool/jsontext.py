"""JSON without white space, as it is sent, measured, logged and hashed."""

from __future__ import annotations

import json
from typing import Any


def compact(value: Any, *, is_ascii: bool = False, sort_keys: bool = False) -> str:
    """Return a value as JSON.

    Args:
        value: What to write.
        is_ascii: Escape all other characters, halves of surrogate pairs included.
        sort_keys: Write equal objects alike, whatever the order of their members.

    Raises:
        ValueError: A number in it is not finite.
    """
    return json.dumps(
        value, ensure_ascii=is_ascii, sort_keys=sort_keys, allow_nan=False, separators=(",", ":")
    )
