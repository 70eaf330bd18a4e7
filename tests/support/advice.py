"""Does what an error advises, word for word, as a model without doubts would."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

Arguments = dict[str, Any]

_STEP = re.compile(r"[^.\[\]]+")
_LEAVE_OUT = re.compile(r"\bleave (\w+) out\b")
_NAMED = re.compile(r"(?:did you mean|send it as|use the argument) '(\w+)'")
_SET = re.compile(r"\bsend (\w+)='(\w+)'")
_CHOICES = re.compile(r"\bsend '[^;.]*")
_QUOTED = re.compile(r"'([^']*)'")
_ONE_OF = re.compile(r"give one of them|give the one or the other|give it once|choose another")
_NUMBER = re.compile(r"\bsend ([\d,]+) or (?:more|less)")


def followed(arguments: Mapping[str, Any], result: Mapping[str, Any]) -> list[Arguments]:
    """Return the calls that follow the advice of a refusal: all fields at once, and each alone.

    Where the advice leaves a choice, each is a call of its own.
    """
    error = result["error"]
    if "try" in error:
        tried = error["try"]
        return [dict(tried.get("arguments", tried))]
    together: list[Arguments] = [dict(arguments)]
    calls: list[Arguments] = []
    for field in error.get("fields", ()):
        alone = list(_repairs(arguments, field["path"], field["fix"]))
        calls += alone
        together = [
            repaired
            for before in together
            for repaired in (list(_repairs(before, field["path"], field["fix"])) or [before])
        ]
    calls += together
    distinct = [call for i, call in enumerate(calls) if call not in calls[:i]]
    return [call for call in distinct if call != dict(arguments)]


def _repairs(arguments: Mapping[str, Any], path: str, fix: str) -> Iterator[Arguments]:
    """Yield the arguments after each thing that a fix says to do."""
    steps = _steps(path)
    yield from _omissions(arguments, steps, fix)
    if found := _NAMED.search(fix):
        yield {**_without(arguments, steps[:1]), found[1]: arguments.get(str(steps[0]))}
    if found := _SET.search(fix):
        yield _with(arguments, _beside(arguments, steps, found[1]), found[2])
    elif choices := _CHOICES.search(fix):
        for choice in _QUOTED.findall(choices[0]):
            yield _with(arguments, steps, choice)
    if found := _NUMBER.search(fix):
        yield _with(arguments, steps, int(found[1].replace(",", "")))


def _omissions(
    arguments: Mapping[str, Any], steps: list[str | int], fix: str
) -> Iterator[Arguments]:
    for named in _LEAVE_OUT.findall(fix):
        yield _without(arguments, steps if named in ("it", "argument") else [named])
    if "leave the argument out" in fix:
        yield _without(arguments, steps[:1])
    if _ONE_OF.search(fix):
        for name in arguments:
            yield _without(arguments, [name])


def _steps(path: str) -> list[str | int]:
    return [int(step) if step.isdecimal() else step for step in _STEP.findall(path)]


def _beside(arguments: Mapping[str, Any], steps: list[str | int], name: str) -> list[str | int]:
    """Return the path of a name: in the object of the wrong member if that has it, else on top."""
    around = _at(arguments, steps[:-1])
    return [*steps[:-1], name] if isinstance(around, dict) and name in around else [name]


def _at(value: Any, steps: list[str | int]) -> Any:
    for step in steps:
        is_there = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if not is_there:
            return None
        value = value[step]
    return value


def _without(arguments: Mapping[str, Any], steps: list[Any]) -> Arguments:
    changed = copy.deepcopy(dict(arguments))
    around = _at(changed, steps[:-1])
    if isinstance(around, dict):
        around.pop(steps[-1], None)
    return changed


def _with(arguments: Mapping[str, Any], steps: list[Any], value: Any) -> Arguments:
    changed = copy.deepcopy(dict(arguments))
    around = _at(changed, steps[:-1])
    if isinstance(around, dict) or (isinstance(around, list) and steps[-1] < len(around)):
        around[steps[-1]] = value
    return changed
