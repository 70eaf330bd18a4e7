"""Problems of arguments, in words that help to repair them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError

from customerio_tool.errors import ArgumentsInvalid, FieldProblem, Problem
from customerio_tool.subtools.declare.wording import (
    ALIKE,
    choices,
    kind_of,
    likeness,
    meant,
    nearest,
    shown,
    words_of,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_PROBLEMS = 20
"""Problems, or recipients, that one error lists; a model does not repair ten thousand entries."""

MAX_PROBLEMS_TOLD = 5
"""Problems that the summary spells out."""


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
    missing = [path_of(each["loc"]) for each in found if each["type"] == "missing"]
    unknown = [path_of(each["loc"]) for each in found if each["type"] == "extra_forbidden"]
    if len(missing) == len(unknown) == 1 and not _is_spelt_like(unknown[0], missing[0], known):
        return {unknown[0]: f"send it as {missing[0]!r} if that is what it is"}
    repairs: dict[str, str] = {}
    for name in list(dict.fromkeys(unknown))[:MAX_PROBLEMS]:
        repair = nearest(name, known)
        is_repeat = repair == choices(known) and repair in repairs.values()
        repairs[name] = "choose from the same." if is_repeat else repair
    return repairs


def _is_spelt_like(name: str, missing: str, known: list[str]) -> bool:
    """Tell whether spelling alone says what a name means: the one that is missing, or any."""
    spelt = "_".join(words_of(name))
    return meant(name, known) == missing or any(likeness(spelt, one) >= ALIKE for one in known)


def _problem(found: ErrorDetails, repairs: Mapping[str, str]) -> FieldProblem:
    path = path_of(found["loc"])
    if found["type"] == "extra_forbidden":
        repair = repairs.get(path, "leave it out")
        return FieldProblem(path, "is not an argument of this subtool", repair)
    if problem := raised_in(found):
        return problem.of(path_of((*found["loc"], *problem.path)))
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


def path_of(location: tuple[int | str, ...]) -> str:
    """Return a place inside the arguments as a path in words."""
    path = ""
    for step in location:
        name = f"[{step}]" if isinstance(step, int) else shown(step)
        path = f"{path}.{name}" if path and isinstance(step, str) else f"{path}{name}"
    return path or "arguments"


def located(check: Callable[[Any], Any], value: Any, *where: str | int) -> Any:
    """Return `check(value)`; where it is refused, `where` leads to what is wrong.

    `check` is a validator, or `validate_python` of a `TypeAdapter` such as `as_identifier`.
    """
    try:
        return check(value)
    except Problem as found:
        refused = Problem(found.problem, found.fix, *where, *found.path)
    except ValidationError as error:
        first = problems_of(error, ())[0]
        refused = Problem(first.problem, first.fix, *where)
    raise refused
