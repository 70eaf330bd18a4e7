"""One request for a page: what it asks, and how its answer is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from ..limits import parse_digits
from ..refusal import Refused
from ..serving.application import Application
from ..serving.http import Reply, Request
from ..serving.pages import connection
from . import rendering
from .listeners import Listeners

POLICY = "; ".join(
    [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "frame-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",  # the log as it grows
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
PRIVATE = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "same-origin"),  # with no-referrer, a browser sends Origin: null
)
_MOST_FIELDS = 100
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Place:
    """Where the console is served.

    Attributes:
        origin: the scheme and address of the server.
        ca_file: the certificate to trust, with TLS.
        token: what a form must bring along, new for each start.
        listeners: those who see the log grow.
    """

    origin: str
    ca_file: str | None
    token: str
    listeners: Listeners


@dataclass(frozen=True)
class Visit:
    """A request for a page of the console."""

    application: Application
    request: Request
    place: Place

    def read(self) -> Any:
        """A transaction on the workspace: ``with visit.read() as ws``."""
        return self.application.work()

    def number(self, name: str) -> int | None:
        """A query parameter as a positive number; ``None`` for anything else."""
        return parse_digits(self.request.query.get(name, "")) or None

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a posted form, stripped. Raises Refused."""
        given = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given != _FORM:
            raise Refused(f"a form is sent as {_FORM}")
        try:
            pairs = parse_qsl(
                self.request.body.decode("ascii"),
                keep_blank_values=True,
                errors="replace",
                max_num_fields=_MOST_FIELDS,
            )
        except ValueError:
            raise Refused("the form cannot be read") from None
        return {name: value.strip() for name, value in pairs}

    def page(self, name: str, status: int = 200, **context: Any) -> Reply:
        """Render a template."""
        template = rendering.environment().get_template(f"{name}.html")
        body = template.render(site=self._site(), **context)
        headers = (("Content-Type", "text/html; charset=utf-8"), *PRIVATE)
        return Reply(status, body.encode(), (*headers, ("Content-Security-Policy", POLICY)))

    def _site(self) -> dict[str, Any]:
        """What every page shows: address, clock, faults, and the token for its forms."""
        clock = self.application.clock
        return {
            "token": self.place.token,
            "here": "/".join(self.request.path.split("/")[:3]),
            "now": clock.now(),
            "frozen": clock.is_frozen,
            "faults": len(self.application.faults.shown()),
            "done": self.request.query.get("done", ""),
        }

    def connection(self) -> dict[str, str | None]:
        """What a client needs to connect."""
        return connection(self.application, self.place.origin, self.place.ca_file)


def found(row: Any, what: str) -> Any:
    """A row that must exist. Raises Refused ``not_found``."""
    if row is None:
        raise Refused(f"There is no {what} here.", "not_found")
    return row


def see(path: str, done: str = "") -> Reply:
    """After a form: go to a page, which says what was done."""
    query = f"?done={done}" if done else ""
    return Reply(303, headers=(("Location", path + query), *PRIVATE))
