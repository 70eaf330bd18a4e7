"""Marks on the types of arguments, which say what a value does at Customer.io."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Mark:
    """One mark; a type has it in its `Annotated`, also inside of an optional type.

    Args:
        means: What a value of a marked type does.
    """

    means: str


PEOPLE_FILTER = Mark("chooses people by their attributes")


def marks(argument: FieldInfo, mark: Mark) -> bool:
    """Return whether the type of an argument has a mark, at any depth."""
    return mark in argument.metadata or _has(argument.annotation, mark)


def _has(annotation: Any, mark: Mark) -> bool:
    if mark in getattr(annotation, "__metadata__", ()):
        return True
    return any(_has(inner, mark) for inner in get_args(annotation))
