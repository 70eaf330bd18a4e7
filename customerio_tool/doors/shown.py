"""Writes what a person reads and decides by: nothing in it can steer, reverse or hide."""

from __future__ import annotations

import json
from typing import Any


def plainly(text: str) -> str:
    """Return a text in which nothing can steer a terminal or reverse what is read."""
    return "".join(each if _is_shown(each) else f"\\u{ord(each):04x}" for each in text)


def plain_json(value: Any, indent: int | None = 2) -> str:
    """Return a value as JSON that is plain in the same way, and reads back as the same value."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    # Only strings hold such characters, and JSON has escapes for them there.
    return "".join(each if _is_shown(each) else json.dumps(each)[1:-1] for each in text)


def _is_shown(character: str) -> bool:
    return character.isprintable() or character == "\n"
