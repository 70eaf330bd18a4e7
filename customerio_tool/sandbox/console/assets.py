"""The console's style sheet and its script: two files, both named here."""

from __future__ import annotations

from ..serving.http import Reply
from .rendering import FOLDER
from .routing import Pages
from .visit import PRIVATE, Visit

PAGES = Pages()
_FILES = {"console.css": "text/css", "console.js": "text/javascript"}


def _file(name: str) -> Reply:
    kind = ("Content-Type", f"{_FILES[name]}; charset=utf-8")
    return Reply(200, (FOLDER / "static" / name).read_bytes(), (kind, *PRIVATE))


@PAGES.get("/console/console.css")
def style(_visit: Visit) -> Reply:
    """The style sheet."""
    return _file("console.css")


@PAGES.get("/console/console.js")
def script(_visit: Visit) -> Reply:
    """The script: the log as it grows, and copying."""
    return _file("console.js")


@PAGES.get("/favicon.ico")
def icon(_visit: Visit) -> Reply:
    """Nothing: the console has no icon, and a browser that asks for one stays out of the log."""
    return Reply(204, b"", PRIVATE)
