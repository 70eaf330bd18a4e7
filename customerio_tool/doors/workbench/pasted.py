"""Reads a connection that a person pastes: the lines of a `.env` file, or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO

from dotenv import dotenv_values

from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.credentials import VARIABLES
from customerio_tool.errors import Problem
from customerio_tool.secret import Secret
from customerio_tool.subtools.declare.json_input import parse

_KEYS = {variable: key for key, variable in VARIABLES.items()}
_HOW = f"paste lines such as {VARIABLES['site_id']}=..., or the JSON of a saved connection"


def connection_in(text: Secret[str]) -> Secret[Mapping[str, str]]:
    """Return the fields of a connection that a text gives; none of a blank text.

    A `.env` may hold other variables too, and `export`, quotes and comments. JSON has the fields,
    or the variables, as members of one object. What is blank is not given.

    Raises:
        Problem: The text gives no field, or it is JSON with a member that is none.
    """
    if not text.reveal().strip():
        return Secret({})
    is_json = text.reveal().lstrip("\ufeff \t\r\n").startswith("{")
    found = _of_json(text) if is_json else _of_lines(text)
    given = {key: value.strip() for key, value in found.reveal().items() if value.strip()}
    if not given:
        raise Problem("gives no value of a connection", _HOW)
    return Secret(given)


def _of_lines(text: Secret[str]) -> Secret[dict[str, str]]:
    lines = StringIO(text.reveal().lstrip("\ufeff").replace("\0", ""))
    values = Secret(dotenv_values(stream=lines, interpolate=False))
    return Secret({_KEYS[n]: v for n, v in values.reveal().items() if n in _KEYS and v})


def _of_json(text: Secret[str]) -> Secret[dict[str, str]]:
    try:
        whole = Secret(parse(text.reveal().lstrip("\ufeff")))
    except Problem:
        raise Problem("is not valid JSON", _HOW) from None
    if "policy" in whole.reveal():
        raise Problem("has a policy", "leave it out; the page Tool sets what may run")
    fields = Secret({_KEYS.get(name, name): value for name, value in whole.reveal().items()})
    if len(fields.reveal()) < len(whole.reveal()):
        raise Problem("gives a field twice", "give each once, by its name or by its variable")
    if not fields.reveal().keys() <= connection_fields().keys():
        known = ", ".join(connection_fields())
        raise Problem("has a member that is no field of a connection", f"use only {known}")
    return Secret({key: _as_text(value) for key, value in fields.reveal().items()})


def _as_text(value: object) -> str:
    """Return the text of a value; a number may stand for its digits, and null for nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    raise Problem("has a value that is no text", "give each field as text")
