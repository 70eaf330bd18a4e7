"""`ConnectionField`: what is declared of one field of a saved connection."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from customerio_tool.errors import Problem
from customerio_tool.records import record
from customerio_tool.secret import Secret
from customerio_tool.subtools.declare import Api


@record(frozen=True, kw_only=True)
class ConnectionField:
    """The declaration of one field of a connection.

    Args:
        trimmed: Returns the text of a saved value, trimmed and normalised, or None for none; raises
            `Problem` if it is wrong.
        label: The name of the field in a form.
        help: The help text of the form: what the field is and where to find it.
        fix: What to do if the value is wrong, as an instruction.
        api: The API whose calls need the field; None if both use it.
        secret: Whether a form hides the input.
        operator: Whether the field is for operators only; a form does not show it then.
        optional: Whether calls of the API work without the field.
        numeric: Whether a saved connection may also have the value as a number.
        options: The values to choose from; empty if any text is allowed.
        pattern: A regular expression for JSON Schema that means the same in Python and ECMAScript.
        help_url: A page with more help.
    """

    trimmed: Callable[[object], str | None]
    label: str
    help: str
    fix: str
    api: Api | None = None
    secret: bool = False
    operator: bool = False
    optional: bool = False
    numeric: bool = False
    options: tuple[str, ...] = ()
    pattern: str | None = None
    help_url: str = "https://fly.customer.io/settings/api_credentials"

    @property
    def required(self) -> bool:
        """Whether the form requires a value."""
        return self.api is not None and not self.operator and not self.optional

    def read(self, saved: object) -> str | Secret[str] | None:
        """Return a saved value as a connection has it, trimmed and normalised; None for none.

        Raises:
            Problem: The value is wrong.
        """
        text = self.trimmed(saved)
        if text is None:
            return None
        if any("\ud800" <= each <= "\udfff" for each in ("" if text.isascii() else text)):
            raise Problem("is not valid Unicode text")
        return Secret(text) if self.secret else text

    def as_form(self, key: str) -> dict[str, Any]:
        """Return the entry of the manifest's `connection.fields`."""
        entry: dict[str, Any] = {
            "key": key,
            "type": "enum" if self.options else "string",
            "label": self.label,
            "required": self.required,
            "secret": self.secret,
            "placeholder": f"Enter {self.label}",
            "help": self.help,
            "help_url": self.help_url,
        }
        if self.options:
            entry["options"] = [{"value": v, "label": v.upper()} for v in self.options]
        return entry

    def as_schema(self, *, required: bool) -> dict[str, Any]:
        """Return the JSON Schema of the field in a saved connection, before trimming."""
        types = ["string", *(["integer"] if self.numeric else []), "null"]
        schema: dict[str, Any] = {
            "type": "string" if required else types,
            "title": self.label,
            "description": self.help,
        }
        if pattern := self._pattern(required=required):
            schema["pattern"] = pattern
        return {**schema, "writeOnly": True} if self.secret else schema

    def accepts(self, value: object, *, required: bool) -> bool:
        """Whether a value is valid by `as_schema`; no validator of schemas is needed for that."""
        if isinstance(value, str):
            if value in self.options:
                return True
            if self.pattern:
                return re.search(self.pattern, value) is not None
            return not required or bool(value.strip())
        if value is None:
            return not required
        return self.numeric and not required and _is_whole(value)

    def _pattern(self, *, required: bool) -> str | None:
        return self.pattern or (r"\S" if required else None)


def _is_whole(value: object) -> bool:
    """Whether JSON Schema takes a value for an integer."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)
