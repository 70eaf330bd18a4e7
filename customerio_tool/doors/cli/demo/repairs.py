"""How the demo's assistant mends a call: from what the error says, and from nothing else.

Each repair finds its cue in the failure envelope. An error that stops teaching breaks the demo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from customerio_tool.doors.cli.demo.server import Mismatch

Arguments: TypeAlias = dict[str, Any]
Envelope: TypeAlias = Mapping[str, Any]
Repair: TypeAlias = Callable[[Envelope, Arguments], Arguments]


def advice(result: Envelope) -> str:
    """Return all that a failure says about its repair, in one text, as a model reads it."""
    return " ".join(filter(None, [result["summary"], result.get("said")]))


def _cue(pattern: str, result: Envelope) -> re.Match[str]:
    text = advice(result)
    found = re.search(pattern, text)
    if found is None:
        raise Mismatch(f"the error does not teach the repair ({pattern!r}): {text}")
    return found


def rename(result: Envelope, arguments: Arguments) -> Arguments:
    """Give a misspelt argument the name that the error suggests."""
    cue = _cue(r"(\w+) is not an argument [^;]*; did you mean '(\w+)'", result)
    return {(cue[2] if name == cue[1] else name): value for name, value in arguments.items()}


def leave_out(result: Envelope, arguments: Arguments) -> Arguments:
    """Leave out the argument that the subtool does not have, or that misled the server."""
    cue = _cue(r"(\w+) is not an argument|as (\w+) says", result)
    return {name: value for name, value in arguments.items() if name not in cue.groups()}


def choose(value: str) -> Repair:
    """Take a value, which must be among the choices that the error offers."""

    def repaired(result: Envelope, arguments: Arguments) -> Arguments:
        cue = _cue(rf"(\w+) is not one of the choices; send .*'{value}'", result)
        return {**arguments, cue[1]: value}

    return repaired


def lower(result: Envelope, arguments: Arguments) -> Arguments:
    """Go down to the limit that the error states."""
    cue = _cue(r"(\w+) is out of bounds; at most (\d+)", result)
    return {**arguments, cue[1]: cue[2]}


def drop_items(result: Envelope, arguments: Arguments) -> Arguments:
    """Drop those items of a list whose places the error gives."""
    cue = _cue(r"(\w+) mix types: .* not those at ([\d, ]+)", result)
    misfits = {int(place) for place in cue[2].split(",")}
    kept = [item for place, item in enumerate(arguments[cue[1]]) if place not in misfits]
    return {**arguments, cue[1]: kept}


def give(name: str, cue: str, **values: Any) -> Repair:
    """Give other values, where the error names an argument and says this about it."""

    def repaired(result: Envelope, arguments: Arguments) -> Arguments:
        _cue(rf"\b{name}\b.*{cue}", result)
        return {**arguments, **values}

    return repaired
