"""The start: the workspaces, what to do next, the last calls, and what waits for approval."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from customerio_tool.doors.workbench.findings import state_of
from customerio_tool.doors.workbench.routing import Pages
from customerio_tool.doors.workbench.visit import Refused, Visit, see
from customerio_tool.doors.workbench.workspaces import Workspace
from customerio_tool.policy.narrowing import with_preset

PAGES = Pages()

_LAST = 8
"""How many calls are shown."""


@PAGES.get("/")
def start(visit: Visit) -> Response:
    """Show the workspaces."""
    workspaces = visit.workspaces.all
    calls = visit.workspace.recent.calls()[:_LAST]
    return visit.page(
        "start",
        calls=calls,
        states={each.key: state_of(each) for each in workspaces},
        has_connection=any(each.local is None for each in workspaces),
        is_chosen=_is_chosen(visit.workspace),
    )


@PAGES.post("/choose")
def choose(visit: Visit) -> Response:
    """Let the pages be about another workspace."""
    try:
        visit.workspaces.choose(visit.field("workspace"))
    except KeyError:
        raise Refused("There is no such workspace any more.", HTTPStatus.NOT_FOUND) from None
    return see("/connections" if visit.field("then") == "/connections" else "/")


def _is_chosen(workspace: Workspace) -> bool:
    """Whether the policy is another than those with which a workspace begins."""
    bound = workspace.bound
    return workspace.policy not in (bound, with_preset(bound, "careful"))
