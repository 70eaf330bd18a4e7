"""How a model's arguments are read: JSON taken strictly, every mistake told with its repair."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, NoReturn

from customerio_tool.errors import ArgumentsInvalid, FieldProblem, Problem

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

MAX_DEPTH = 64
"""Levels of nesting that arguments may have."""

MAX_NUMBER_BITS = 1024
"""Bits of a whole number; a float overflows there too, so that 10**400 fares as 1e400 does."""

MAX_PROBLEMS = 20
"""Problems, or recipients, that one error lists; a model does not repair ten thousand entries."""

MAX_PROBLEMS_TOLD = 5
"""Problems that the summary spells out."""

MAX_NAME_CHARS = 60
"""Characters of a member's name that a message repeats."""

WITHHELD = "<withheld>"
"""What a message shows for a name that may be an address or a telephone number."""

_PERSONAL = re.compile(r"@|\d(?:[ ()./+-]{0,2}\d){6}")

_TOO_DEEP = (f"holds more than {MAX_DEPTH} levels of nesting", "flatten it")
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


def read(arguments: Mapping[str, Any] | str | bytes | None) -> dict[str, Any]:
    """Return arguments, given as a mapping or as JSON text, as plain JSON values.

    Raises:
        ArgumentsInvalid: They are no JSON object, name a key twice, or hold something that JSON
            cannot (a non-finite number, half a surrogate pair) or more than 64 levels.
    """
    try:
        value = parse(arguments) if isinstance(arguments, (str, bytes)) else arguments
        plain = plain_json({} if value is None else value)
    except Problem as found:
        field = found.of(_path(found.path))
    else:
        if isinstance(plain, dict):
            return plain
        field = FieldProblem("arguments", f"is {kind_of(plain)}", _ASK)
    return refuse([field])


def parse(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    NaN and the infinities are read, so that `plain_json` can say where they stand.

    Raises:
        Problem: The text is not JSON, is nested too deep, or names a key twice.
    """
    problem, fix = "is not valid JSON", "check its quotes and brackets"
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except Problem:
        raise
    except RecursionError:
        problem, fix = _TOO_DEEP
    except ValueError:
        pass
    raise Problem(problem, fix)


def plain_json(value: Any, path: tuple[str | int, ...] = (), *, depth: int = 0) -> Any:
    """Return a copy in dicts, lists and scalars.

    Args:
        value: What to copy.
        path: Where it is within the whole.
        depth: How many levels are around it.

    Raises:
        Problem: JSON cannot carry it.
    """
    if depth > MAX_DEPTH:
        raise Problem(*_TOO_DEEP, *(name for name in path[:1] if isinstance(name, str)))
    if isinstance(value, Mapping):
        return {
            _key(name, path): plain_json(item, (*path, name), depth=depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [plain_json(item, (*path, i), depth=depth + 1) for i, item in enumerate(value)]
    return _scalar(value, path)


def _scalar(value: Any, path: tuple[str | int, ...]) -> Any:
    if isinstance(value, str):
        return _encodable(value, path)
    if isinstance(value, float) and not math.isfinite(value):
        raise Problem("is not a finite number", "send a finite number, or leave it out", *path)
    if type(value) is int and value.bit_length() > MAX_NUMBER_BITS:
        raise Problem("is a number of more than 300 digits", "send it as a string", *path)
    if value is None or type(value) in (bool, int, float):
        return value
    raise Problem(f"is a Python {type(value).__name__}", "send a JSON value", *path)


def _encodable(text: str, path: tuple[str | int, ...]) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    raise Problem("holds half of a surrogate pair", "send valid Unicode text", *path)


def _key(name: object, path: tuple[str | int, ...]) -> str:
    if not isinstance(name, str):
        fix = "name every member with a string"
        raise Problem("has a name that is not a string", fix, *path)
    return _encodable(name, path)


def shown(name: str) -> str:
    """Return a name as messages repeat it: short, without what hides in text, never an address."""
    name = "".join(filter(str.isprintable, name))
    return WITHHELD if _PERSONAL.search(name) else name[:MAX_NAME_CHARS]


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise Problem("is given twice", "give each name once", twice)
    return members


def kind_of(value: object) -> str:
    """Name the JSON type of a value with its article."""
    return JSON_TYPES.get(type(value), "not JSON")


def refuse(fields: Iterable[FieldProblem]) -> NoReturn:
    """Raise `ArgumentsInvalid` which names each field and its repair in one sentence."""
    problems = list(fields)
    told = " ".join(_sentence(str(problem)) for problem in problems[:MAX_PROBLEMS_TOLD])
    left = len(problems) - MAX_PROBLEMS_TOLD
    more = f" And {left:,} more." if left > 0 else ""
    raise ArgumentsInvalid(
        f"Nothing was sent. {told}{more}", fields=problems[:MAX_PROBLEMS]
    ) from None


def _sentence(text: str) -> str:
    return text if text.endswith(("?", ".")) else f"{text}."


def problems_of(error: ValidationError, known: Iterable[str]) -> list[FieldProblem]:
    """Translate pydantic's findings into ours; no finding shows the value that was refused."""
    names, found = list(known), error.errors(include_url=False)
    repairs = _repairs(found, names)
    return [_problem(each, repairs) for each in found]


def _repairs(found: Iterable[ErrorDetails], known: list[str]) -> dict[str, str]:
    """Say of each unknown argument what was probably meant; the choices are listed once.

    Of more than an error lists it is not said: a search for each of thousands takes seconds.
    """
    missing = [_path(each["loc"]) for each in found if each["type"] == "missing"]
    unknown = [_path(each["loc"]) for each in found if each["type"] == "extra_forbidden"]
    if len(missing) == len(unknown) == 1 and not _is_spelt_like(unknown[0], missing[0], known):
        return {unknown[0]: f"send it as {missing[0]!r} if that is what it is"}
    repairs: dict[str, str] = {}
    for name in list(dict.fromkeys(unknown))[:MAX_PROBLEMS]:
        repair = nearest(name, known)
        is_repeat = repair == _choices(known) and repair in repairs.values()
        repairs[name] = "choose from the same." if is_repeat else repair
    return repairs


def _is_spelt_like(name: str, missing: str, known: list[str]) -> bool:
    """Tell whether spelling alone says what a name means: the one that is missing, or any."""
    spelt = "_".join(_words(name))
    return meant(name, known) == missing or any(_likeness(spelt, one) >= _ALIKE for one in known)


def _problem(found: ErrorDetails, repairs: Mapping[str, str]) -> FieldProblem:
    path = _path(found["loc"])
    if found["type"] == "extra_forbidden":
        repair = repairs.get(path, "leave it out")
        return FieldProblem(path, "is not an argument of this subtool", repair)
    if problem := raised_in(found):
        return problem.of(_path((*found["loc"], *problem.path)))
    return FieldProblem(path, *_in_words(found))


def raised_in(found: ErrorDetails) -> Problem | None:
    """Return the problem that a validator of ours raised; None for a finding of pydantic's own.

    It comes without its traceback, whose frames hold the value.
    """
    error = found.get("ctx", {}).get("error")
    return error.with_traceback(None) if isinstance(error, Problem) else None


def _in_words(found: ErrorDetails) -> tuple[str, str]:
    """Say what one of pydantic's own rules found wrong, and what would be right."""
    given = kind_of(found["input"])
    bounds = found.get("ctx", {})
    if wanted := _WANTED.get(found["type"]):
        return f"is {given}", f"send {wanted}"
    if wording := _BOUNDS.get(found["type"]):
        return wording(bounds)
    if found["type"] == "missing":
        return "is missing", "it is required"
    if found["type"] == "literal_error":
        return "is not one of the choices", f"send {bounds['expected']}"
    return f"is {given} that does not fit", "see the description of this argument"


_WANTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "bool_type": "true or false",
    "dict_type": "an object",
    "list_type": "an array",
}


def _too_short(bounds: Mapping[str, Any]) -> tuple[str, str]:
    least = _items(bounds["min_length"])
    return "is empty" if not bounds["actual_length"] else "is too short", f"send at least {least}"


def _too_long(bounds: Mapping[str, Any]) -> tuple[str, str]:
    most = _items(bounds["max_length"])
    return f"has {_items(bounds['actual_length'])}", f"send at most {most} per call"


def _items(count: int) -> str:
    return f"{count:,} item{'' if count == 1 else 's'}"


_BOUNDS: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "too_short": _too_short,
    "too_long": _too_long,
    "greater_than_equal": lambda bounds: ("is too small", f"send {bounds['ge']:,} or more"),
    "less_than_equal": lambda bounds: ("is too large", f"send {bounds['le']:,} or less"),
}


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        name = f"[{step}]" if isinstance(step, int) else shown(step)
        path = f"{path}.{name}" if path and isinstance(step, str) else f"{path}{name}"
    return path or "arguments"


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, else list them all; a sentence's end is there."""
    names = list(known)
    likely = meant(name, names)
    return f"did you mean {likely!r}?" if likely else _choices(names)


_ALIKE = 0.8
"""Likeness from which two words are one, misspelt: as evnt and event, not as device and event."""
_NEARLY_THE_SAME = 0.88
"""The same for two whole names, of which most letters may be those of a word they share."""


def _choices(names: Iterable[str]) -> str:
    return f"choose from {', '.join(names)}."


def meant(given: str, names: Iterable[str]) -> str | None:
    """Return the known name that differs in spelling or has words more or fewer, if there is one.

    Likeness of the whole is not enough: `create_customer` is much like `delete_customer`.
    """
    words = _words(shown(given))
    likely = [one for one in names if _is_within(words, _words(one))]
    return max(likely, key=lambda one: _likeness("_".join(words), one), default=None)


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def _is_within(given: list[str], known: list[str]) -> bool:
    if _likeness("_".join(given), "_".join(known)) >= _NEARLY_THE_SAME:
        return True
    fewer, more = sorted((given, known), key=len)
    return bool(fewer) and all(any(_likeness(a, b) >= _ALIKE for b in more) for a in fewer)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()
