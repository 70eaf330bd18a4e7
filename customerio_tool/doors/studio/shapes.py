"""What a studio hands to a tool, and what it gets back.

A pasted tool contains the text of this module, so it imports the standard library alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

NAMESPACE = "customerio"
"""The tool's name in names of variables, in lower case without separators: `customer_io`,
`CustomerIoTool`. The name that the studio gives it is not published."""

SUBTOOL_KEYS = ("subtool", "sub_tool", "operation", "action")
ARGUMENT_KEYS = ("arguments", "parameters", "input")
RUN_KEYS = ("run_id", "workflow_id")
"""Variables that name the run; the studio sets `workflow_id` in every one."""

MAX_CAPTURED_CHARS = 1_000
"""Characters of all captured variables, as JSON."""

MAX_VALUE_CHARS = 100
"""Characters of one captured text; a longer one is not captured."""


def object_in(value: Any) -> dict[str, Any] | None:
    """Return a mapping or a JSON object in text as a dict; None for any other value."""
    if isinstance(value, (str, bytes)):
        try:
            value = json.loads(value) if value.strip() else {}
        except (ValueError, RecursionError):  # no JSON, or nested too deeply
            return None
    if value is None:
        return {}
    return {str(name): each for name, each in value.items()} if isinstance(value, Mapping) else None


def subtool_in(inputs: Mapping[str, Any], known: Mapping[str, Iterable[str]]) -> str | None:
    """Return the name of the subtool that the inputs ask for, or None.

    Args:
        inputs: The studio's variables.
        known: The names of the arguments of each subtool.
    """
    for key in SUBTOOL_KEYS:
        given = inputs.get(key)
        if isinstance(given, str) and given.strip():
            words = re.findall(r"[a-z0-9]+", given.strip().rpartition(".")[2].lower())
            return "_".join(words)
    meant = [name for name, arguments in known.items() if own_variables(inputs, name, arguments)]
    return meant[0] if len(meant) == 1 else None


def arguments_in(inputs: Mapping[str, Any], subtool: str, names: Iterable[str]) -> Any:
    """Return the arguments of a call: a mapping, or JSON text.

    They are one object, or variables like `customer_io.track_event.name`, or variables like `name`.
    Variables that are none of the subtool's are left out: a studio hands over all of a session's.
    """
    for key in ARGUMENT_KEYS:
        given = inputs.get(key)
        if isinstance(given, Mapping) or (isinstance(given, str) and given.lstrip()[:1] == "{"):
            return given
    variables = {**inputs, **dict(_dotted(inputs, subtool))}
    arguments = {name: variables[name] for name in names if name in variables}
    return {**arguments, **dict(_misspelt(variables, names, arguments))}


def own_variables(inputs: Mapping[str, Any], subtool: str, names: Iterable[str]) -> dict[str, Any]:
    """Return the arguments in variables with the names of the tool and the subtool."""
    found = dict(_dotted(inputs, subtool))
    return {name: found[name] for name in names if name in found}


def _dotted(inputs: Mapping[str, Any], subtool: str) -> Iterator[tuple[str, Any]]:
    for key, value in inputs.items():
        tool, _, rest = key.partition(".")
        if not _folded(tool).startswith(NAMESPACE):
            continue
        if isinstance(value, Mapping) and not rest:
            yield from _dotted({f"{tool}.{name}": each for name, each in value.items()}, subtool)
        elif rest == subtool and isinstance(value, Mapping) and "summary" not in value:
            yield from value.items()  # with a summary, it is the result of an earlier call
        elif rest.startswith(f"{subtool}."):
            yield rest.rpartition(".")[2], value


def _misspelt(
    variables: Mapping[str, Any], names: Iterable[str], given: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Return variables that must be meant for an argument, so that the tool says how to name them.

    Their names differ from an argument's that is not given in case, separators or a final s alone.
    """
    lacking = {_folded(name).rstrip("s") for name in names if name not in given}
    for key, value in variables.items():
        if key not in given and "." not in key and _folded(key).rstrip("s") in lacking:
            yield key, value


def _folded(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def run_in(inputs: Mapping[str, Any]) -> str | None:
    """Return the name of the run, or None if the inputs name none."""
    given = [inputs.get(key) for key in RUN_KEYS]
    return next((each for each in given if isinstance(each, str) and each.strip()), None)


def answer(envelope: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return what a studio's tool returns: the output, and the variables to capture.

    Every call of a subtool sets the same variables, "" where there is nothing to say, so that none
    keeps the value of an earlier call. `captured_variables` is the documented key;
    `capture_variables` is the one of older examples.

    Args:
        envelope: The result of the call.
        names: The members of the result to capture, none of which has personal data.
    """
    error = envelope.get("error")
    failed = error if isinstance(error, Mapping) else {}
    told = {
        "ok": envelope.get("ok") is True,
        "error": failed.get("code"),
        "next_step": failed.get("next_step"),
        **{name: envelope.get(name) for name in names},
    }
    captured = {f"customer_io_{name}": _small(value) for name, value in told.items()}
    if len(json.dumps(captured)) > MAX_CAPTURED_CHARS:
        captured = {"customer_io_ok": told["ok"]}
    return {
        "output": envelope,
        "captured_variables": captured,
        "capture_variables": dict(captured),
    }


def _small(value: Any) -> Any:
    if isinstance(value, (bool, int, float)):
        return value
    return value if isinstance(value, str) and len(value) <= MAX_VALUE_CHARS else ""
