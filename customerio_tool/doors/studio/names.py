"""Which variables of a studio are arguments of a subtool, and which members of a result it gets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from customerio_tool.calls.confirmation import TOKEN
from customerio_tool.subtools.declare import Subtool

_ALSO = ("outcome", "confirmation_id")
_IN_EVERY_CALL = ("ok",)
_PLAIN = {"boolean", "integer", "number", "null"}


def arguments_of(subtool: Subtool[Any]) -> tuple[str, ...]:
    """Return the names of the arguments, with the token that a policy may demand."""
    return (*subtool.argument_names, TOKEN)


@cache
def captured_of(subtool: Subtool[Any]) -> tuple[str, ...]:
    """Return the names of the members to keep: flags, numbers and ids, of no person.

    Texts are those that the declaration keeps in the ledger, which are of no person, and ids that
    the tool makes itself.
    """
    texts = {*(subtool.ledger_keeps or ()), *subtool.always}
    properties = subtool.output_schema()["properties"]
    plain = [name for name, declared in properties.items() if _types(declared) <= _PLAIN]
    kept = [name for name in properties if name in texts or name in plain]
    return (*_ALSO, *(name for name in kept if name not in (*_ALSO, *_IN_EVERY_CALL)))


def _types(declared: Mapping[str, Any]) -> set[str]:
    if "anyOf" in declared:
        return {word for each in declared["anyOf"] for word in _types(each)}
    given = declared.get("type", "object")
    return {given} if isinstance(given, str) else set(given)
