"""Reads JSON text that comes from outside: a request's body, a line of a file, a header.

It also has the text of a JSON value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from .refusal import Malformed, Refused

DEEPEST = 500
"""The most levels of JSON in a body. Python's recursion limit of 1,000 must also hold callers."""


def parse_json(body: bytes) -> Any:
    """Read JSON as the vendor's server does.

    NaN and a number too large for a float, such as 1e999, are errors; lone surrogates become
    U+FFFD.

    Raises:
        Malformed: it is no JSON.
        Refused: it is deeper than ``DEEPEST`` levels. The vendor's limit is UNVERIFIED;
            this one keeps every stored value readable.
    """
    try:
        value = _DECODER.decode(body.decode(json.detect_encoding(body)))
        is_too_deep = _is_too_deep(body, value)
    except ValueError:
        raise Malformed("malformed JSON in the request body") from None
    except RecursionError:
        is_too_deep = True
    if is_too_deep:
        raise Refused(f"the request body is nested more than {DEEPEST} levels deep")
    if b"\\ud" in body.lower():  # UTF-8 cannot hold a lone surrogate
        text = json.dumps(value, ensure_ascii=False)
        value = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return value


def _is_too_deep(body: bytes, value: Any) -> bool:
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
    return any(isinstance(each, (dict, list)) for each in level)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(text)
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def as_text(value: Any) -> str:
    """An attribute value as text: the App API shows no other type (fact values-are-strings)."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
