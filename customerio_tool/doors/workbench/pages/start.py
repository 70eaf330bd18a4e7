"""The start: the workspaces, the last calls, and what waits for approval."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from customerio_tool.doors.workbench.routing import Pages
from customerio_tool.doors.workbench.visit import Refused, Visit, see

PAGES = Pages()


@PAGES.get("/")
def start(visit: Visit) -> Response:
    """Show the workspaces."""
    return visit.page("start", calls=visit.workspace.recent.calls()[:8])


@PAGES.post("/choose")
def choose(visit: Visit) -> Response:
    """Let the pages be about another workspace."""
    try:
        visit.workspaces.choose(visit.field("workspace"))
    except KeyError:
        raise Refused("There is no such workspace any more.", HTTPStatus.NOT_FOUND) from None
    return see("/connections" if visit.field("then") == "/connections" else "/")
