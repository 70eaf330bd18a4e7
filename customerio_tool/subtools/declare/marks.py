"""Marks on the types of arguments, which say what a value does at Customer.io."""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from customerio_tool.records import record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

T = TypeVar("T")


@record(frozen=True)
class Mark:
    """One mark; a type has it in its `Annotated`, also inside of an optional type.

    Args:
        means: What a value of a marked type does.
    """

    means: str


@record(frozen=True)
class AlsoCalled:
    """Other names by which models give an argument; no likeness of spelling is needed."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@record(frozen=True)
class FoundBy:
    """The read that finds the number which an argument needs, by a part of the name.

    Args:
        subtool: The subtool, which has the argument `name_contains`.
        names: The names by which models give the name in the number's place.
        is_lookup: Whether that subtool is a look-up, which may be off.
    """

    subtool: str
    names: tuple[str, ...] = ()
    is_lookup: bool = False


@record(frozen=True)
class Words:
    """Words of the world for the choices of an argument: word to choice, in lower case."""

    choices: Mapping[str, str] = field(hash=False)


@record(frozen=True)
class Short:
    """Words for an argument in a short definition, where its name does not say enough."""

    words: str


NARROWS = Mark("narrows whom or what a call reaches, so that a blank does not count as not given")
IMPLIED = Mark("says what the form of an identifier says already")
RARE = Mark("is needed so seldom that it is not worth the words which show it to a model")
IDENTIFIES = Mark("identifies something, so that a placeholder is refused")
LOOSE = Mark("takes what a model gives beside it")
PAGE_SIZE = Mark("says how much a page holds")
PEOPLE_FILTER = Mark("chooses people by their attributes")


def marks(argument: FieldInfo, mark: Mark) -> bool:
    """Return whether the type of an argument has a mark, at any depth."""
    return any(each == mark for each in metadata_of(argument))


def marks_of(argument: FieldInfo, kind: type[T]) -> list[T]:
    """Return the marks of one kind on the type of an argument, at any depth."""
    return [each for each in metadata_of(argument) if isinstance(each, kind)]


def finders_of(args: type[BaseModel], lookups: Collection[str]) -> dict[str, FoundBy]:
    """Return the read that finds the number of each argument that has one.

    Args:
        args: The class of the arguments.
        lookups: The look-ups that may run; no other one is in the result.
    """
    found = {name: marks_of(field, FoundBy) for name, field in args.model_fields.items()}
    return {
        name: each
        for name, marked in found.items()
        for each in marked
        if not each.is_lookup or each.subtool in lookups
    }


@lru_cache(maxsize=1024)  # asked for each argument of every call, and never another
def metadata_of(argument: FieldInfo) -> tuple[Any, ...]:
    """Return everything that annotates the type of an argument, at any depth."""
    return (*argument.metadata, *_inside(argument.annotation))


def _inside(annotation: Any) -> Iterator[Any]:
    for each in getattr(annotation, "__metadata__", ()):
        yield each
        yield from getattr(each, "metadata", ())
    for inner in get_args(annotation):
        yield from _inside(inner)
