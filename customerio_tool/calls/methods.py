"""The subtools as methods of a tool, for hosts that read signatures, such as toolkits do.

Each method is made once, from the declaration of its subtool. Its signature has plain types alone:
a framework that checks them lets the same arguments through as the tool, which then explains what
is wrong with them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, Signature
from itertools import chain
from typing import Any

from customerio_tool.calls.calling import Calling
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Subtool

_TYPES: Mapping[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "object": dict,
}
"""The plain type of each JSON type; some readers of `dict[str, Any]` take the object for closed."""


@dataclass(frozen=True)
class Function:
    """A subtool as toolkits hold a function.

    Args:
        name: The name of the subtool.
        description: The description for the model.
        parameters: The JSON Schema of the arguments.
        entrypoint: The bound method, which takes the arguments by name.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    entrypoint: Callable[..., dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return the name, the description and the parameters."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }


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
            if clashing := sorted({*chain.from_iterable(map(vars, others))} & subtools().keys()):
                raise TypeError(f"rename the subtool {clashing[0]}: every tool has that attribute")

    @abstractmethod
    def definitions(self) -> list[dict[str, Any]]:
        """Return the definitions of the subtools that may run."""

    @property
    def functions(self) -> dict[str, Function]:
        """The subtools that may run, by name, in the form in which toolkits hold functions."""
        return {
            each["name"]: Function(
                each["name"],
                each["description"],
                each["input_schema"],
                getattr(self, each["name"]),
            )
            for each in self.definitions()
        }


def _method_of(subtool: Subtool[Any]) -> Callable[..., dict[str, Any]]:
    """Return the method of a subtool; what it takes is in its signature."""

    def method(
        tool: SubtoolMethods,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        /,
        **named: Any,
    ) -> dict[str, Any]:
        if named and arguments is not None:
            raise TypeError("give the arguments as one mapping, or each by its name")
        return tool.call(subtool.name, named or arguments)

    parameters = _parameters_of(subtool)
    first = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    method.__name__ = subtool.name
    method.__qualname__ = f"CustomerIoTool.{subtool.name}"
    method.__doc__ = _documentation_of(subtool)
    method.__annotations__ = {each.name: each.annotation for each in parameters}
    method.__annotations__["return"] = dict
    signature = Signature([first, *parameters], return_annotation=dict)
    method.__signature__ = signature  # type: ignore[attr-defined]  # as `inspect` documents
    return method


def _parameters_of(subtool: Subtool[Any]) -> list[Parameter]:
    schema = subtool.definition()["input_schema"]
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


def _documentation_of(subtool: Subtool[Any]) -> str:
    """Return a docstring in Google's form, from which readers take the arguments' descriptions."""
    properties = subtool.definition()["input_schema"]["properties"]
    told = "".join(f"    {name}: {_meaning_of(each)}\n" for name, each in properties.items())
    arguments = f"Args:\n{told}\n" if told else ""
    result = "Returns:\n    The result envelope: `ok`, `summary` and what Customer.io answered.\n"
    return f"{subtool.description}\n\n{arguments}{result}"


def _meaning_of(declared: Mapping[str, Any]) -> str:
    choices = declared.get("enum")
    listed = f" One of: {', '.join(map(str, choices))}." if choices else ""
    return " ".join(f"{declared.get('description', '')}{listed}".split())


for _each in subtools().values():
    if hasattr(SubtoolMethods, _each.name):
        raise TypeError(f"rename the subtool {_each.name}: every tool has that attribute")
    setattr(SubtoolMethods, _each.name, _method_of(_each))
