"""`record`: dataclasses for values inside the package, at a fifth of what frozen ones cost a start.

The standard library writes and compiles six methods for each frozen dataclass. Here it writes
`__init__` alone, and the methods that show, compare and hash are made, not compiled. That nothing
changes a value is held by the type checker, which sees the decorator of the standard library, and
not at run time. So a value that hosts make or subclass takes the standard library's.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from dataclasses import dataclass as record

__all__ = ["record"]

T = TypeVar("T")

if not TYPE_CHECKING:

    def record(*, frozen, eq=True, **how):
        """Return a decorator that makes a class a dataclass whose values nothing may change.

        Args:
            frozen: Must be True.
            eq: Whether its values are equal if all their fields are; else each equals itself alone.
            how: `init` or `kw_only`, as for a dataclass of the standard library.
        """
        if frozen is not True:
            raise TypeError("take the dataclass of the standard library for what changes")
        made = dataclasses.dataclass(repr=False, eq=False, **how)

        def recorded(cls: type[T]) -> type[T]:
            made(cls)
            for method in (__repr__, *(_comparing(cls) if eq else ())):
                if vars(cls).get(method.__name__) is None:  # `__eq__` alone sets `__hash__` to None
                    setattr(cls, method.__name__, method)
            return cls

        return recorded


@recursive_repr()
def __repr__(self: Any) -> str:  # noqa: N807 - a method of every record
    fields = dataclasses.fields(self)
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _comparing(cls: type) -> tuple[Callable[..., Any], ...]:
    """Return `__eq__` and `__hash__` of a class."""
    compared = [one for one in dataclasses.fields(cls) if one.compare]
    values = _values_of(one.name for one in compared)
    hashed = _values_of(one.name for one in compared if one.hash is not False)

    def __eq__(self: Any, other: object) -> Any:  # noqa: N807 - a method of the class
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: Any) -> int:  # noqa: N807 - a method of the class
        return hash(hashed(self))

    return __eq__, __hash__


def _values_of(names: Iterable[str]) -> Callable[[Any], Any]:
    """Return what reads these attributes, in C where there are any."""
    given = tuple(names)
    return attrgetter(*given) if given else lambda _: ()
