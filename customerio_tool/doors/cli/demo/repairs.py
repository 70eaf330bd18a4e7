"""How the demo's assistant repairs a wrong call: only from the failure envelope that it got back.

A repair reads which argument is wrong (`error.fields[].path`) and the names, choices or limits
that the field offers, never the words around them. An error that does not offer them breaks the
demo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from customerio_tool.doors.cli.demo.server import Mismatch

Arguments: TypeAlias = dict[str, Any]
Envelope: TypeAlias = Mapping[str, Any]
Repair: TypeAlias = Callable[[Envelope, Arguments], Arguments]

_QUOTED = r"'([^']*)'"
_NUMBER = r"\d+"


def advice(result: Envelope) -> str:
    """Return the sentences of a failure as one text: the summary, then Customer.io's own words."""
    return " ".join(filter(None, [result["summary"], result.get("said")]))


def rename(result: Envelope, arguments: Arguments) -> Arguments:
    """Rename the misspelt argument to the name that the error suggests."""
    field = _wrong_field(result, arguments)
    right, *_ = _offered(_QUOTED, field["fix"], result)
    return {(right if name == field["path"] else name): value for name, value in arguments.items()}


def leave_out(result: Envelope, arguments: Arguments) -> Arguments:
    """Leave out the arguments that the error names."""
    kept = {name: value for name, value in arguments.items() if not _names(result, name)}
    if kept == arguments:
        raise _unteaching(result)
    return kept


def choose(value: str) -> Repair:
    """Send this value, which the error must offer as a choice, for the wrong argument."""

    def repaired(result: Envelope, arguments: Arguments) -> Arguments:
        field = _wrong_field(result, arguments)
        if value not in _offered(_QUOTED, field["fix"], result):
            raise _unteaching(result)
        return {**arguments, field["path"]: value}

    return repaired


def lower(result: Envelope, arguments: Arguments) -> Arguments:
    """Lower the wrong argument to the limit that the error states."""
    field = _wrong_field(result, arguments)
    limit, *_ = _offered(_NUMBER, field["fix"], result)
    return {**arguments, field["path"]: limit}


def drop_items(result: Envelope, arguments: Arguments) -> Arguments:
    """Drop the items of a list whose indices the error gives."""
    field = _wrong_field(result, arguments)
    wrong = {int(index) for index in _offered(_NUMBER, result["summary"], result)}
    kept = [item for index, item in enumerate(arguments[field["path"]]) if index not in wrong]
    return {**arguments, field["path"]: kept}


def give(**values: Any) -> Repair:
    """Send these values; the error must name the first of them."""

    def repaired(result: Envelope, arguments: Arguments) -> Arguments:
        if not _names(result, next(iter(values))):
            raise _unteaching(result)
        return {**arguments, **values}

    return repaired


def _wrong_field(result: Envelope, arguments: Arguments) -> Mapping[str, str]:
    """Return the first of the error's `fields` that is about an argument of the wrong call."""
    for field in _fields(result):
        if field["path"] in arguments:
            return field
    raise _unteaching(result)


def _offered(pattern: str, text: str, result: Envelope) -> list[str]:
    """Return the values that a field's text offers, at least one."""
    found = re.findall(pattern, text)
    if not found:
        raise _unteaching(result)
    return found


def _names(result: Envelope, name: str) -> bool:
    """Say whether an error names an argument; Customer.io's own refusals have only the summary."""
    if fields := _fields(result):
        return any(field["path"] == name for field in fields)
    return re.search(rf"\b{name}\b", result["summary"]) is not None


def _fields(result: Envelope) -> list[Mapping[str, str]]:
    fields: list[Mapping[str, str]] = result["error"].get("fields", [])
    return fields


def _unteaching(result: Envelope) -> Mismatch:
    return Mismatch(f"the error does not teach the repair: {advice(result)}")
