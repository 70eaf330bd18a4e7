"""Writes JSON without white space: the form that is sent, measured, logged and hashed."""

from __future__ import annotations

import json
from functools import cache
from typing import Any


def compact(
    value: Any, *, is_ascii: bool = False, sort_keys: bool = False, allow_nan: bool = True
) -> str:
    """Return a value as JSON.

    Args:
        value: The value to write.
        is_ascii: Escape all characters above ASCII, including halves of surrogate pairs.
        sort_keys: Write members in the order of their names, so that equal objects are equal texts.
        allow_nan: Write NaN and the infinities by name, as Python does; this is not valid JSON.

    Raises:
        ValueError: A number is not finite and `allow_nan` is false.
    """
    return _encoder(is_ascii, sort_keys, allow_nan).encode(value)


@cache  # `json.dumps` makes one for each value
def _encoder(is_ascii: bool, sort_keys: bool, allow_nan: bool) -> json.JSONEncoder:
    return json.JSONEncoder(
        ensure_ascii=is_ascii, sort_keys=sort_keys, allow_nan=allow_nan, separators=(",", ":")
    )
