"""The way to the console. It is loaded when its first page is asked for, and needs Jinja2."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from ..options import Options
from ..refusal import Refused
from . import access
from .http import Reply, Request, status_of
from .welcome import welcome

if TYPE_CHECKING:
    from ..console.site import Site
    from .application import Application

_ICON = "/favicon.ico"  # browsers ask for it where a message is opened alone
_INSTALL = "the console needs Jinja2: pip install 'customerio-tool[sandbox]'"
_OWN = "(your own, as the options set it)"
_ASKS = ("WWW-Authenticate", 'Basic realm="the local Customer.io", charset="UTF-8"')
_TEXT = (
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


class Pages:
    """The web pages of one server: ``/`` and what lies under ``/console/``.

    Args:
        application: the local Customer.io.
        origin: the scheme and address of the server, such as ``http://127.0.0.1:4242``.
    """

    def __init__(self, application: Application, origin: str) -> None:
        self.ca_file: str | None = None
        self.origin = origin
        self._application = application
        self._lock = Lock()
        self._site: Site | None = None

    @staticmethod
    def has(request: Request) -> bool:
        """Whether a request is for the console; no path of Customer.io begins so.

        A POST to ``/`` is none: a client with a wrong base URL shall find itself in the log.
        """
        if request.path in ("/", _ICON):
            return request.method in ("GET", "HEAD")
        return request.segments[:1] == ("console",)

    def serve(self, request: Request) -> Reply:
        """Answer with a page, an error page, or the log as it grows."""
        try:
            application = self._application
            access.check_person(
                application.options, request, "the console is", is_exposed=application.is_exposed
            )
        except Refused as refused:
            asks = (_ASKS,) if refused.kind == "unauthorized" else ()
            return Reply(status_of(refused), refused.message.encode(), (*_TEXT, *asks))
        try:
            site = self._loaded()
        except ModuleNotFoundError as error:
            if error.name not in ("jinja2", "markupsafe"):
                raise
            return self._plain(200 if request.path == "/" else 501)
        return site.serve(request)

    def _loaded(self) -> Site:
        with self._lock:
            if self._site is None:
                from ..console.site import Site

                self._site = Site(self._application, self.origin, self.ca_file)
            return self._site

    def _plain(self, status: int) -> Reply:
        lines = [_INSTALL, "", *welcome(connection(self._application, self.origin, self.ca_file))]
        return Reply(status, "\n".join([*lines, ""]).encode(), _TEXT)


def connection(application: Application, origin: str, ca_file: str | None) -> dict[str, str | None]:
    """What a client needs to connect. Keys that are not the well-known ones are not told."""
    options = application.options
    application.store.renew()
    known = {
        name: getattr(options, name) if getattr(options, name) == getattr(Options, name) else _OWN
        for name in ("track_api_key", "app_api_key")
    }
    return {
        **dict.fromkeys(("track_url", "app_url"), origin),
        "console_url": f"{origin}/",
        "site_id": access.site_id(options, application.store.generation),
        **known,
        "ca_file": ca_file,
    }
