"""Describes problems of arguments in sentences that help a model to repair them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import BaseModel, ValidationError

from customerio_tool.errors import ArgumentsInvalid, FieldProblem, Problem
from customerio_tool.subtools.declare.marks import RARE, FoundBy, marks
from customerio_tool.subtools.declare.placeholders import ASK, field_problem
from customerio_tool.subtools.declare.wording import (
    MAX_NAME_CHARS,
    choices,
    is_like,
    kind_of,
    meant,
    nearest,
    shown,
    words_of,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_PROBLEMS = 20
"""Problems or recipients that one error lists; a model cannot repair thousands of entries."""

MAX_PROBLEMS_IN_SUMMARY = 5
"""Problems in the sentence of an error; the others are in its `fields` alone."""


MAX_PATH_CHARS = 300
"""Characters of a path in a message; the middle of a longer one is left out."""


def refuse(fields: Iterable[FieldProblem], instead: Mapping[str, Any] | None = None) -> NoReturn:
    """Raise `ArgumentsInvalid`, whose summary has one sentence for each field and its fix.

    Args:
        fields: The problems.
        instead: The arguments that are certainly meant, where only the time of the call shows it:
            those that change, and None for one to leave out. They reach nobody whom the refused
            call does not.
    """
    problems = list(fields)
    listed = problems[:MAX_PROBLEMS_IN_SUMMARY]
    sentences = " ".join(_sentence(str(problem)) for problem in listed)
    left = len(problems) - len(listed)
    more = f" And {left:,} more." if left > 0 else ""
    raise ArgumentsInvalid(
        f"Nothing was sent. {sentences}{more}", fields=problems[:MAX_PROBLEMS], instead=instead
    ) from None


def _sentence(text: str) -> str:
    return text if text.endswith(("?", ".")) else f"{text}."


def problems_of(
    error: ValidationError,
    args: type[BaseModel] | None = None,
    optional: Collection[str] = (),
    sent: Mapping[str, Any] = MappingProxyType({}),
    finders: Mapping[str, FoundBy] = MappingProxyType({}),
) -> list[FieldProblem]:
    """Return the field problems for a validation error of pydantic; none shows the refused value.

    Args:
        error: The validation error.
        args: The class of the subtool's arguments, to correct a misspelt one.
        optional: The names of those that may be left out.
        sent: The arguments as they were sent.
        finders: The reads that find the numbers of some arguments.
    """
    details = error.errors(include_url=False)
    fixes = _unknown_argument_fixes(details, args, sent, finders.values()) if args else {}
    finds = {n: f"; {each.subtool} finds it by the name" for n, each in finders.items()}
    found = {f"send it as {name!r}" for name in (args.model_fields if args else ())}
    given = {fix for fix in fixes.values() if fix in found}
    return [
        _problem(each, fixes, finds, optional)
        for each in details
        if each["type"] != "missing" or f"send it as {path_of(each['loc'])!r}" not in given
    ]


def _unknown_argument_fixes(
    details: Iterable[ErrorDetails],
    args: type[BaseModel],
    sent: Mapping[str, Any],
    finders: Collection[FoundBy],
) -> dict[str, str]:
    """Return the fix for each unknown argument by its path; only one fix lists all arguments.

    No fix names a rare argument, which a model is not shown and hardly means.
    Names after the first `MAX_PROBLEMS` have no fix: to compare thousands takes seconds.
    """
    known = [name for name, field in args.model_fields.items() if not marks(field, RARE)]
    missing = [path_of(each["loc"]) for each in details if each["type"] == "missing"]
    extra = [each for each in details if each["type"] == "extra_forbidden"]
    nulls = {str(each["loc"][0]): "leave it out" for each in extra if each["input"] is None}
    given = [str(each["loc"][0]) for each in extra]
    places = {
        name: nulls.get(name) or _place(args, name, sent, finders) for name in given[:MAX_PROBLEMS]
    }
    fixes = {path_of((name,)): fix for name, fix in places.items() if fix}
    unknown = [path_of((name,)) for name in given if path_of((name,)) not in fixes]
    if len(missing) == len(unknown) == 1 and not _is_misspelt(unknown[0], missing[0], known):
        return {**fixes, unknown[0]: f"send it as {missing[0]!r} if that is what it is"}
    for name in list(dict.fromkeys(unknown))[:MAX_PROBLEMS]:
        fix = nearest(name, known)
        if fix == choices(known):
            is_repeat = fix in fixes.values()
            fix = f"send {known[0]} alone" if len(known) == 1 else fix
            fix = "choose from the same." if is_repeat else fix
        fixes[name] = fix
    return fixes


def _place(
    args: type[BaseModel], name: str, sent: Mapping[str, Any], finders: Collection[FoundBy]
) -> str:
    """Return the fix for a name that can mean one argument only, or all; "" for any other."""
    from customerio_tool.subtools.declare.mending import alias_of, is_wrapper, loose_argument

    if is_wrapper(args, name):
        return "send what it holds, without it"
    if alias := alias_of(args, name):
        is_other = alias in sent and sent[alias] != sent.get(name)
        return f"give {alias!r} one of the two values" if is_other else f"send it as {alias!r}"
    for finds in finders:
        if name in finds.names:
            return f"find the number by it with {finds.subtool}"
    loose = loose_argument(args, name)
    if not loose:
        return ""
    there = sent.get(loose)
    is_other = isinstance(there, Mapping) and there.get(name, sent.get(name)) != sent.get(name)
    return f"give it one value in {loose!r}" if is_other else f"put it into {loose!r}"


def _is_misspelt(name: str, missing: str, known: list[str]) -> bool:
    """Return whether a name is a misspelling of the missing argument or of any other."""
    spelt = "_".join(words_of(name))
    return meant(name, known) == missing or any(is_like(spelt, one) for one in known)


def _problem(
    details: ErrorDetails,
    fixes: Mapping[str, str],
    finds: Mapping[str, str],
    optional: Collection[str],
) -> FieldProblem:
    path = path_of(details["loc"])
    if details["type"] == "extra_forbidden":
        fix = fixes.get(path, "leave it out")
        return FieldProblem(path, "is not an argument of this subtool", fix)
    if problem := raised_in(details):
        return field_problem(problem, path_of((*details["loc"], *problem.path)), optional)
    if details["type"] in _LIMITS and path.endswith("id"):
        wrong, fix = _no_number(details)
        is_blank = details["input"] == 0 and path in optional
        return FieldProblem(path, wrong, f"{fix}, or leave it out" if is_blank else fix)
    if details["type"] == "int_type" and path.endswith("id"):
        fix = _NO_GUESS + finds.get(path, ASK)
        return FieldProblem(path, f"is {kind_of(details['input'])}", fix)
    wrong, fix = _describe(details)
    is_unknown = details["type"] == "missing" and path.endswith(("_id", "_ids"))
    ask = ASK if is_unknown else ""
    return FieldProblem(path, wrong, fix + finds.get(path, ask))


def _no_number(details: ErrorDetails) -> tuple[str, str]:
    """Return the problem and the fix for a number out of bounds that stands for an object.

    The fix names no number to send: a model would send it, and another object is under it.
    """
    problem, limit = _BOUNDS[details["type"]](details.get("ctx", {}))
    return problem, f"send the number of the one you mean, which is {limit.removeprefix('send ')}"


_NO_GUESS = "send its id, an integer and no guess"
"""What to do with a name given as an id: a model that has to send any number sends 1."""

_LIMITS = ("greater_than_equal", "less_than_equal")
"""Errors of a number out of bounds."""


def raised_in(details: ErrorDetails) -> Problem | None:
    """Return the `Problem` that one of our validators raised; None if pydantic found the error.

    The problem has no traceback, because a traceback's frames hold the value.
    """
    error = details.get("ctx", {}).get("error")
    return error.with_traceback(None) if isinstance(error, Problem) else None


def _describe(details: ErrorDetails) -> tuple[str, str]:
    """Return the problem and the fix for an error that pydantic itself found."""
    given = kind_of(details["input"])
    bounds = details.get("ctx", {})
    if wanted := _WANTED.get(details["type"]):
        return f"is {given}", f"send {wanted}"
    if describe := _BOUNDS.get(details["type"]):
        return describe(bounds)
    if details["type"] == "missing":
        return "is missing", "give it"
    if details["type"] == "literal_error":
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
    """Return a location within the arguments as text, such as `per_user_data[0].email`."""
    path = ""
    for step in location:
        name = f"[{step}]" if isinstance(step, int) else shown(step)
        path = f"{path}.{name}" if path and isinstance(step, str) else f"{path}{name}"
    if len(path) > MAX_PATH_CHARS:
        path = f"{path[: MAX_PATH_CHARS - 2 * MAX_NAME_CHARS]}…{path[-MAX_NAME_CHARS:]}"
    return path or "arguments"


def located(check: Callable[[Any], Any], value: Any, *where: str | int) -> Any:
    """Return `check(value)`; put `where` in front of the path of a problem that it raises.

    Args:
        check: A validator, or `validate_python` of a `TypeAdapter` such as `as_identifier`.
        value: The value to check.
        where: The path of the value within the argument.

    Raises:
        Problem: `check` refuses the value.
    """
    try:
        return check(value)
    except Problem as found:
        refused = Problem(found.problem, found.fix, *where, *found.path)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        first = _problem({**details, "loc": (*where, *details["loc"])}, {}, {}, ())
        refused = Problem(first.problem, first.fix, *where)
    raise refused
