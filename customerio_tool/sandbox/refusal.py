"""A call that the local Customer.io refuses: the exception names a kind, not an HTTP status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Kind = Literal[
    "invalid",
    "unauthorized",
    "forbidden",
    "not_found",
    "not_allowed",
    "too_large",
    "unprocessable",
    "too_many",
    "broken",
    "not_served",
]


class Refused(Exception):
    """A call that is answered with an error.

    Attributes:
        message: the error's text.
        kind: the kind of error; ``http`` knows its status.
        field: the argument at fault (Track v2).
        pointer: the JSON pointer to the argument at fault (broadcasts).
        keep: whether the call's writes are committed; by default they are rolled back.
        errors: the errors of all parts, as they are answered (batches).
        status: an HTTP status to use instead of the kind's (faults).
    """

    keep = False
    status: int | None = None

    def __init__(
        self,
        message: str,
        kind: Kind = "invalid",
        *,
        field: str = "",
        pointer: str = "",
        errors: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind: Kind = kind
        self.field = field
        self.pointer = pointer
        self.errors = errors


class Malformed(Refused):
    """A body that is no JSON."""
