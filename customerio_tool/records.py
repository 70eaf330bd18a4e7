"""`record`: dataclasses for values inside the package, at a tenth of what frozen ones cost a start.

The standard library writes and compiles six methods for each frozen dataclass. Here the methods
that show, compare and hash are made, not compiled, and `__init__` is compiled once a class makes
many values. That nothing changes a value is held by the type checker, which sees the decorator of
the standard library, and not at run time.

`shared_record` is for values that hosts make or subclass: it holds at run time too, and
`inspect.signature` tells what a class takes before it has made a value.
"""

from __future__ import annotations

import dataclasses
import inspect
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from dataclasses import dataclass as record
    from dataclasses import dataclass as shared_record

__all__ = ["record", "shared_record"]

T = TypeVar("T")

MANY = 16
"""The values of a class after which its `__init__` is compiled; a declaration makes fewer."""

if not TYPE_CHECKING:

    def record(*, frozen, eq=True, **how):
        """Return a decorator that makes a class a dataclass whose values nothing may change.

        Args:
            frozen: Must be True.
            eq: Whether its values are equal if all their fields are; else each equals itself alone.
            how: `kw_only`, as for a dataclass of the standard library.
        """
        _require(frozen)
        made = dataclasses.dataclass(init=False, repr=False, eq=False, **how)
        return lambda cls: _with_methods(made(cls), _beginning(cls), *_methods(cls, eq))

    def shared_record(*, frozen, eq=True, **how):
        """Return a decorator like that of `record`, for values that hosts make or subclass."""
        made = record(frozen=frozen, eq=eq, **how)
        return lambda cls: _frozen(made(cls))


def _require(frozen: bool) -> None:
    if frozen is not True:
        raise TypeError("take the dataclass of the standard library for what changes")


def _methods(cls: type, eq: bool) -> Iterable[Callable[..., Any]]:
    return (__repr__, *(_comparing(cls) if eq else ()))


def _with_methods(cls: type[T], *methods: Callable[..., Any]) -> type[T]:
    """Return a class with these methods, but for those that it has written itself."""
    for method in methods:
        if vars(cls).get(method.__name__) is None:  # `__eq__` alone sets `__hash__` to None
            setattr(cls, method.__name__, method)
    return cls


def _beginning(cls: Any) -> Callable[..., None]:
    """Return the `__init__` of a class that has made few values."""
    fields = dataclasses.fields(cls)
    by_place = [one.name for one in fields if one.init and not one.kw_only]
    known = {one.name for one in fields if one.init}
    needed = {one.name for one in fields if one.init and _has_no_default(one)}
    put = object.__setattr__  # a shared record refuses its own
    made = 0

    def __init__(self: Any, /, *values: Any, **named: Any) -> None:  # noqa: N807 - of the class
        nonlocal made
        made += 1
        given = {**dict(zip(by_place, values, strict=False)), **named}
        is_right = len(given) == len(values) + len(named) and needed <= given.keys() <= known
        if made >= MANY or not is_right:
            compiled = _compiled(cls)  # it also says what is wrong
            if vars(cls).get("__init__") is __init__:
                cls.__init__ = compiled
            return compiled(self, *values, **named)
        for one in fields:
            if one.name in given:
                put(self, one.name, given[one.name])
            elif one.default_factory is not dataclasses.MISSING:
                put(self, one.name, one.default_factory())
            elif one.init:
                put(self, one.name, one.default)
        if hasattr(cls, "__post_init__"):
            self.__post_init__()
        return None

    return __init__


def _has_no_default(one: dataclasses.Field[Any]) -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _compiled(cls: Any) -> Callable[..., None]:
    """Return the `__init__` that the standard library compiles for these fields."""
    options = ("default", "default_factory", "init", "kw_only")
    fields = [
        (one.name, object, dataclasses.field(**{name: getattr(one, name) for name in options}))
        for one in dataclasses.fields(cls)
    ]
    after = {"__post_init__": cls.__post_init__} if hasattr(cls, "__post_init__") else {}
    how = {"repr": False, "eq": False, "frozen": cls.__dataclass_params__.frozen}
    alike = dataclasses.make_dataclass(cls.__name__, fields, namespace=after, **how)
    compiled: Callable[..., None] = vars(alike)["__init__"]
    return compiled


def _frozen(cls: Any) -> Any:
    """Return a class of records whose values cannot be changed at run time."""
    names = {one.name for one in dataclasses.fields(cls)}

    def refuse(self: Any, verb: str, name: str) -> None:
        if type(self) is cls or name in names:  # a subclass may have attributes of its own
            raise dataclasses.FrozenInstanceError(f"cannot {verb} field {name!r}")

    def __setattr__(self: Any, name: str, value: object) -> None:  # noqa: N807 - of the class
        refuse(self, "assign to", name)
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:  # noqa: N807 - of the class
        refuse(self, "delete", name)
        super(cls, self).__delattr__(name)

    cls.__dataclass_params__.frozen = True  # so that a subclass which does not freeze is refused
    cls.__signature__ = _Signature(cls)
    return _with_methods(cls, __setattr__, __delattr__)


class _Signature:
    """What `inspect.signature` shows for a class, made when it is asked for."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls

    def __get__(self, value: object, owner: Any) -> inspect.Signature:
        if owner.__init__ is not self._cls.__init__:
            raise AttributeError("__signature__")
        types = {one.name: one.type for one in dataclasses.fields(self._cls)}
        whole = inspect.signature(_compiled(self._cls))
        taken = [one for one in whole.parameters.values() if one.name in types]
        shown = [one.replace(annotation=types[one.name]) for one in taken]
        return whole.replace(parameters=shown)


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
