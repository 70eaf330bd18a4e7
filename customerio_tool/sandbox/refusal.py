"""How the local Customer.io says no: one exception that names the kind, not an HTTP status."""

from __future__ import annotations

from typing import Literal

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
    """A call the service rejects out loud. Its writes are rolled back unless ``keep`` is true.

    ``field`` names the argument at fault (Track v2), ``pointer`` its JSON pointer (broadcasts),
    ``status`` an HTTP status that no kind stands for (faults).
    """

    def __init__(
        self,
        message: str,
        kind: Kind = "invalid",
        *,
        field: str = "",
        pointer: str = "",
        keep: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind: Kind = kind
        self.field = field
        self.pointer = pointer
        self.keep = keep
        self.status = status
