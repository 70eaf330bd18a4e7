"""The subtools as methods of a tool, for hosts that read signatures, such as toolkits do.

Each method is made once, when it is first asked for, from the definition of its subtool. Its
signature has plain types alone: a framework that checks them lets the same arguments through as the
tool, which then explains what is wrong with them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from customerio_tool.calls import hints
from customerio_tool.calls.calling import Calling
from customerio_tool.definitions import definition_of, lookup_names, names

if TYPE_CHECKING:
    from inspect import Parameter

_TYPES: Mapping[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "object": dict,
}
"""The plain type of each JSON type; some readers of `dict[str, Any]` take the object for closed."""


class SubtoolMethods(Calling):
    """The part of `CustomerIoTool` that has one method per subtool, such as `track_event`.

    A method takes the arguments by name, or as one mapping or JSON text, and returns the result
    envelope as `call` does. It has no context of the host; for that, use `call`.
    """

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Refuse a tool that has an attribute of its own under the name of a subtool."""
        super().__init_subclass__(**keywords)
        if SubtoolMethods in cls.__bases__:
            others = [each for each in cls.__mro__ if each is not SubtoolMethods]
            if clashing := sorted({*chain.from_iterable(map(vars, others))} & set(names())):
                raise TypeError(f"rename the subtool {clashing[0]}: every tool has that attribute")

    def __getattr__(self, name: str) -> Any:
        """Return a look-up as a method, where the look-ups are on.

        Raises:
            AttributeError: There is no such attribute; a look-up is none where they are off.
        """
        if not name.startswith("_") and self._has_lookups() and name in lookup_names():
            return _lookup_method(name).__get__(self)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @abstractmethod
    def _has_lookups(self) -> bool:
        """Whether the look-ups are on."""

    @abstractmethod
    def definitions(self) -> list[dict[str, Any]]:
        """Return the definitions of the subtools that may run."""

    @property
    def functions(self) -> dict[str, hints.Function]:
        """The subtools that may run, by name, in the form in which toolkits hold functions."""
        from customerio_tool.calls.function import Function

        return {
            each["name"]: Function(
                each["name"],
                each["description"],
                each["input_schema"],
                getattr(self, each["name"]),
            )
            for each in self.definitions()
        }


class _Unmade:
    """The method of a subtool until it is first asked for, as its signature takes time to make."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, tool: SubtoolMethods | None, owner: type[SubtoolMethods]) -> Any:
        """Make the method, put it in this place, and return it."""
        method: Any = _method_of(definition_of(self._name))
        setattr(SubtoolMethods, self._name, method)
        return method.__get__(tool, owner)


def _method_of(definition: Mapping[str, Any]) -> Callable[..., dict[str, Any]]:
    """Return the method of a subtool; what it takes is in its signature."""
    from inspect import Parameter, Signature

    name = definition["name"]

    def method(
        tool: SubtoolMethods,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        /,
        **named: Any,
    ) -> dict[str, Any]:
        if named and arguments is not None:
            raise TypeError("give the arguments as one mapping, or each by its name")
        return tool.call(name, named or arguments)

    parameters = _parameters_of(definition["input_schema"])
    first = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    method.__name__ = name
    method.__qualname__ = f"CustomerIoTool.{name}"
    method.__doc__ = _documentation_of(definition)
    method.__annotations__ = {each.name: each.annotation for each in parameters}
    method.__annotations__["return"] = dict
    signature = Signature([first, *parameters], return_annotation=dict)
    method.__signature__ = signature  # type: ignore[attr-defined]  # as `inspect` documents
    return method


def _parameters_of(schema: Mapping[str, Any]) -> list[Parameter]:
    from inspect import Parameter

    required = schema.get("required", ())
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            annotation=_type_of(declared),
            default=Parameter.empty if name in required else None,
        )
        for name, declared in schema["properties"].items()
    ]


def _type_of(declared: Mapping[str, Any]) -> Any:
    if declared["type"] == "array":
        return list[_type_of(declared["items"])]  # type: ignore[misc]  # known when it runs
    return _TYPES[declared["type"]]


def _documentation_of(definition: Mapping[str, Any]) -> str:
    """Return a docstring in Google's form, from which readers take the arguments' descriptions."""
    properties = definition["input_schema"]["properties"]
    told = "".join(f"    {name}: {_meaning_of(each)}\n" for name, each in properties.items())
    arguments = f"Args:\n{told}\n" if told else ""
    result = "Returns:\n    The result envelope: `ok`, `summary` and what Customer.io answered.\n"
    return f"{definition['description']}\n\n{arguments}{result}"


def _meaning_of(declared: Mapping[str, Any]) -> str:
    choices = declared.get("enum")
    listed = f" One of: {', '.join(map(str, choices))}." if choices else ""
    return " ".join(f"{declared.get('description', '')}{listed}".split())


@cache
def _lookup_method(name: str) -> Callable[..., dict[str, Any]]:
    return _method_of(definition_of(name))


for _each in names():
    if hasattr(SubtoolMethods, _each):
        raise TypeError(f"rename the subtool {_each}: every tool has that attribute")
    setattr(SubtoolMethods, _each, _Unmade(_each))
