"""The form of a subtool: a field for each argument, and the arguments of a form that was sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from customerio_tool.errors import Problem
from customerio_tool.subtools.declare import Subtool
from customerio_tool.subtools.declare.json_input import parse

Kind: TypeAlias = Literal["text", "boolean", "integer", "choice", "object", "texts", "objects"]
Arguments: TypeAlias = Mapping[str, Any] | str
"""The arguments of a call as a person typed them: those of the fields, or a JSON text."""

PREFIX = "arg."
"""What the name of a field begins with, before the name of the argument."""

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_TEXT_LINES = 3
"""How many lines a text has at least that is shown in an area of its own."""


@dataclass(frozen=True)
class Field:
    """One field of a form.

    Args:
        name: The argument.
        kind: What it takes.
        hint: What it is for.
        is_required: Whether a call needs it.
        choices: The values to choose from; empty if any is taken.
        value: What it holds; empty if it is not given.
        problems: What is wrong with it.
    """

    name: str
    kind: Kind
    hint: str
    is_required: bool
    choices: tuple[str, ...]
    value: str
    problems: tuple[str, ...]

    @property
    def is_long(self) -> bool:
        """Whether the value has lines of its own, which a field of one line would lose."""
        return self.kind in ("object", "objects", "texts") or "\n" in self.value

    @property
    def lines(self) -> int:
        """The lines that the field shows at first."""
        return min(12, max(_TEXT_LINES, self.value.count("\n") + 1))


def fields_of(
    subtool: Subtool[Any], arguments: Mapping[str, Any], problems: Mapping[str, Sequence[str]]
) -> list[Field]:
    """Return the fields of a subtool's form, the required ones first.

    An argument that the subtool does not have is a field too, so that nothing typed is lost.

    Args:
        subtool: The subtool.
        arguments: What the fields hold.
        problems: What is wrong, by the names of arguments.
    """
    schema = subtool.input_schema()
    declared, required = schema["properties"], schema.get("required", ())
    unknown = {name: _UNKNOWN for name in arguments if name not in declared}
    made = [
        _field(name, each, name in required, arguments.get(name), tuple(problems.get(name, ())))
        for name, each in {**declared, **unknown}.items()
    ]
    return sorted(made, key=lambda field: not field.is_required)


_UNKNOWN: Mapping[str, Any] = {"description": "The subtool has no such argument.", "type": "string"}


def _field(
    name: str, schema: Mapping[str, Any], is_required: bool, value: Any, problems: tuple[str, ...]
) -> Field:
    kind = kind_of(schema)
    choices = tuple(map(str, schema.get("enum", ())))
    hint = str(schema.get("description", ""))
    return Field(name, kind, hint, is_required, choices, shown(kind, value), problems)


def kind_of(schema: Mapping[str, Any]) -> Kind:
    """Return the kind of an argument with this schema."""
    if "enum" in schema:
        return "choice"
    if schema["type"] == "array":
        return "objects" if schema["items"].get("type") == "object" else "texts"
    kinds: Mapping[str, Kind] = {"boolean": "boolean", "integer": "integer", "object": "object"}
    return kinds.get(schema["type"], "text")


def shown(kind: Kind, value: Any) -> str:
    """Return a value as a field of a kind holds it; None is an empty field."""
    if value is None:
        return ""
    if isinstance(value, str):
        return encodable(value)
    if kind == "texts" and _are_lines(value):
        return encodable("\n".join(value))
    indent = 2 if isinstance(value, (dict, list)) else None
    return encodable(json.dumps(value, ensure_ascii=False, indent=indent))


def _are_lines(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, str) and each.strip() and "\n" not in each for each in value
    )


def encodable(text: str) -> str:
    """Return a text that a page can hold: half of a surrogate pair becomes JSON's escape of it."""
    return text.encode("utf-8", "backslashreplace").decode()


def typed(subtool: Subtool[Any], form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the arguments of a form that was sent; the tool itself reads numbers and JSON.

    An empty field is an argument that is not given.
    """
    declared = subtool.input_schema()["properties"]
    found: dict[str, Any] = {}
    for field, values in form.items():
        name = field.removeprefix(PREFIX)
        text = values[-1].replace("\r\n", "\n")
        if name != field and text:
            found[name] = _typed(kind_of(declared.get(name, _UNKNOWN)), text)
    return found


def _typed(kind: Kind, text: str) -> Any:
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind == "texts":
        return _list_in(text)
    return text


def _list_in(text: str) -> list[Any]:
    """Return the lines of a text, or the list that it is as JSON."""
    value = plain(text) if text.lstrip().startswith("[") else None
    return value if isinstance(value, list) else [each for each in text.split("\n") if each.strip()]


def as_json(subtool: Subtool[Any], arguments: Arguments) -> str:
    """Return arguments as JSON text for a person, with numbers and objects as such."""
    if isinstance(arguments, str):
        return encodable(arguments)
    declared = subtool.input_schema()["properties"]
    values = {
        name: _valued(kind_of(declared.get(name, _UNKNOWN)), value)
        for name, value in arguments.items()
    }
    return encodable(json.dumps(values, ensure_ascii=False, indent=2)) if values else ""


def _valued(kind: Kind, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if kind == "integer" and _INTEGER.fullmatch(value.strip()):
        return int(value)
    wanted = {"object": dict, "objects": list}.get(kind)
    found = plain(value) if wanted else None
    return found if wanted and isinstance(found, wanted) else value


def plain(text: str) -> Any:
    """Return the value of a JSON text; None if it is none, or if it has a name twice."""
    try:
        return parse(text)
    except Problem:
        return None


def as_fields(arguments: Arguments) -> Mapping[str, Any] | None:
    """Return arguments by their names; None if they are a text that is no JSON object."""
    if not isinstance(arguments, str):
        return arguments
    value = plain(arguments) if arguments.strip() else {}
    return value if isinstance(value, dict) else None


def problems_in(envelope: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the sentences of an envelope about each argument, by its name."""
    found: dict[str, list[str]] = {}
    for each in envelope.get("error", {}).get("fields", ()):
        path, fix = each["path"], each["fix"]
        # What the summary says in full is not said twice in the envelope.
        said = re.search(rf"{re.escape(path)} (.+?); {re.escape(fix)}", envelope["summary"])
        problem = each.get("problem") or (said[1] if said else "")
        name = re.split(r"[.\[]", path)[0]
        where = "" if path == name else f"{path} "
        found.setdefault(name, []).append(f"{where}{problem}; {fix}.".lstrip("; "))
    return found
