"""How a model's arguments are read: JSON taken strictly, every mistake told with its repair."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from customerio_tool.errors import ArgumentsInvalid, FieldProblem

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

MAX_DEPTH = 64
"""Levels of nesting that arguments may have."""

_ASK = "send one JSON object holding the arguments"

JSON_TYPES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    type(None): "null",
}


class NotJson(ValueError):
    """A value which JSON cannot carry; `path` says where, the text what is wrong and right."""

    def __init__(self, path: str, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.field = FieldProblem(path or "arguments", problem, fix)


def read(arguments: Mapping[str, Any] | str | bytes | None) -> dict[str, Any]:
    """Return arguments, given as a mapping or as JSON text, as plain JSON values.

    Raises:
        ArgumentsInvalid: They are no JSON object, name a key twice, or hold something that JSON
            cannot (a non-finite number, half a surrogate pair) or more than 64 levels.
    """
    try:
        value = parse(arguments) if isinstance(arguments, (str, bytes)) else arguments
        plain = plain_json({} if value is None else value, "", 0)
    except NotJson as problem:
        field = problem.field
    else:
        if isinstance(plain, dict):
            return plain
        field = FieldProblem("arguments", f"are {kind_of(plain)}", _ASK)
    return refuse([field])


def parse(text: str | bytes) -> Any:
    """Return the value of a JSON text; duplicate keys and NaN are refused as `NotJson`."""
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_not_finite)
    except NotJson:
        raise
    except (ValueError, RecursionError):
        pass
    raise NotJson("arguments", "are not valid JSON", _ASK)


def plain_json(value: Any, path: str, depth: int) -> Any:
    """Return a copy in dicts, lists and scalars; raise `NotJson` for what JSON cannot carry."""
    if depth > MAX_DEPTH:
        raise NotJson(path, f"is nested deeper than {MAX_DEPTH} levels", "flatten it")
    if isinstance(value, Mapping):
        return {
            _key(name, path): plain_json(item, _join(path, name), depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [plain_json(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    return _scalar(value, path)


def _scalar(value: Any, path: str) -> Any:
    if isinstance(value, str):
        return _encodable(value, path)
    if isinstance(value, float) and not math.isfinite(value):
        raise NotJson(path, "is not a finite number", "send a finite number, or leave it out")
    if value is None or type(value) in (bool, int, float):
        return value
    raise NotJson(path, f"is a Python {type(value).__name__}", "send a JSON value")


def _encodable(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    raise NotJson(path, "holds half of a surrogate pair", "send valid Unicode text")


def _key(name: object, path: str) -> str:
    if not isinstance(name, str):
        raise NotJson(path, "has a name that is not a string", "name every member with a string")
    return _encodable(name, path)


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise NotJson(twice, "is given twice", "give each name once")
    return members


def _not_finite(_: str) -> NoReturn:
    raise NotJson("arguments", "hold a number that is not finite", "send finite numbers only")


def kind_of(value: object) -> str:
    """Name the JSON type of a value with its article."""
    return JSON_TYPES.get(type(value), "not JSON")


def refuse(fields: Iterable[FieldProblem]) -> NoReturn:
    """Raise `ArgumentsInvalid` which names each field and its repair in one sentence."""
    problems = list(fields)
    shown = ". ".join(str(problem) for problem in problems[:5])
    more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
    raise ArgumentsInvalid(f"Nothing was sent. {shown}{more}.", fields=problems) from None


def problems_of(error: ValidationError, known: Iterable[str]) -> list[FieldProblem]:
    """Translate pydantic's findings into ours; no finding shows the value that was refused."""
    names = list(known)
    return [_problem(found, names) for found in error.errors(include_url=False)]


def _problem(found: ErrorDetails, known: list[str]) -> FieldProblem:
    path = _path(found["loc"])
    if found["type"] == "extra_forbidden":
        return FieldProblem(path, "is not an argument of this subtool", nearest(path, known))
    if found["type"] == "missing":
        return FieldProblem(path, "is missing", "it is required")
    if found["type"] == "teaching":
        context = found["ctx"]
        return FieldProblem(context.get("at") or path, context["problem"], context["fix"])
    return _type_problem(path, found)


def _type_problem(path: str, found: ErrorDetails) -> FieldProblem:
    given = kind_of(found["input"])
    wanted = _WANTED.get(found["type"])
    if wanted:
        return FieldProblem(path, f"is {given}", f"send {wanted}")
    rule = found["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if found["type"] == "literal_error":
        return FieldProblem(path, "is not one of the choices", f"send {rule}")
    return FieldProblem(path, "is out of bounds", f"it must be {rule}")


_WANTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "bool_type": "true or false",
    "dict_type": "an object",
    "list_type": "an array",
}


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        path = f"{path}[{step}]" if isinstance(step, int) else _join(path, step)
    return path or "arguments"


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, else list them all."""
    names = list(known)
    close = get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
