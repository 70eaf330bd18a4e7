"""Renders what a message holds, if the library for it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from .run import Run
from .steps import NotRendered, within

_DEEPEST = 100
LIBRARY = "liquid"


def is_installed() -> bool:
    """Whether the library is there: it comes with the extra ``sandbox``."""
    return find_spec(LIBRARY) is not None


def has_liquid(value: Any) -> bool:
    """Whether a text, or a text in a list or an object, has a tag or an output of Liquid."""
    texts = (each for each in within(value) if isinstance(each, str))
    return any("{{" in text or "{%" in text for text in texts)


def rendered(value: Any, run: Run, depth: int = 0) -> Any:
    """The value with every text in it rendered; names in objects stay as they are.

    Raises:
        NotRendered: a text cannot be rendered, or the value is nested too deeply.
    """
    from . import parsing

    if depth > _DEEPEST:
        raise NotRendered(f"it is nested more than {_DEEPEST} levels deep")
    if isinstance(value, str):
        return parsing.render(value, run) if has_liquid(value) else value
    if isinstance(value, dict):
        return {name: rendered(each, run, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [rendered(each, run, depth + 1) for each in value]
    return value
