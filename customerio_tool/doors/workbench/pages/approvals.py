"""The approvals: the calls that wait for a person, who approves or declines each."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import cast, get_args

from starlette.responses import Response

from customerio_tool.calls.call import CallContext
from customerio_tool.calls.waiting_calls import Question
from customerio_tool.doors.workbench.decided import Choice, Decided
from customerio_tool.doors.workbench.routing import Pages
from customerio_tool.doors.workbench.visit import Refused, Visit, see
from customerio_tool.doors.workbench.workspaces import DOOR, Workspace
from customerio_tool.errors import (
    ConfirmationUnknown,
    CustomerIoError,
    PolicyRefused,
    SubtoolUnknown,
)
from customerio_tool.subtools import find
from customerio_tool.tool import CustomerIoTool

PAGES = Pages()

_CONTEXT = CallContext(door=DOOR)


@dataclass(frozen=True)
class _Asked:
    """A question as the page shows it.

    Args:
        question: The question.
        seconds_left: How long the call still waits, in whole seconds.
        bar: Why approving it would not run it under the chosen policy; empty if it would.
    """

    question: Question
    seconds_left: int
    bar: str

    @property
    def left(self) -> str:
        """The time left, in words."""
        minutes, seconds = divmod(self.seconds_left, 60)
        return f"{minutes} min {seconds:02} s"


@PAGES.get("/approvals")
def approvals(visit: Visit) -> Response:
    """Show what waits, and what was decided here."""
    workspace, problem, waiting = visit.workspace, "", []
    with workspace.tool() as tool:
        is_shared = tool.shares_approvals
        try:
            waiting = [_asked(visit, tool, each) for each in tool.waiting()]
        except CustomerIoError as error:
            problem = error.summary
    decided = workspace.decided.newest
    return visit.page(
        "approvals", waiting=waiting, problem=problem, decided=decided, is_shared=is_shared
    )


@PAGES.get("/approvals/{confirmation_id}")
def approval(visit: Visit) -> Response:
    """Show one call: what waits, or what became of it."""
    name = visit.parameters["confirmation_id"]
    if (decided := visit.workspace.decided.get(name)) is not None:
        return visit.page("approval", decided=decided, asked=None)
    try:
        with visit.workspace.tool() as tool:
            question = tool.question(name)
            asked = _asked(visit, tool, question) if question else None
    except CustomerIoError as error:
        raise Refused(error.summary, HTTPStatus.SERVICE_UNAVAILABLE) from None
    status = HTTPStatus.OK if asked else HTTPStatus.NOT_FOUND
    return visit.page("approval", status, decided=None, asked=asked)


@PAGES.post("/approvals/{confirmation_id}")
def decide(visit: Visit) -> Response:
    """Approve or decline a call, once; then show what became of it."""
    name, choice = visit.parameters["confirmation_id"], visit.field("choice")
    workspace = visit.meant
    if choice not in get_args(Choice):
        raise Refused("Approve or decline the call, nothing else.")
    with workspace.tool() as tool, workspace.decided.alone(name):
        try:
            question = tool.question(name)
        except CustomerIoError as error:
            raise Refused(error.summary, HTTPStatus.SERVICE_UNAVAILABLE) from None
        if question is not None:
            _decide(workspace, tool, question, cast("Choice", choice))
    return see(f"/approvals/{name}")


def _decide(workspace: Workspace, tool: CustomerIoTool, question: Question, choice: Choice) -> None:
    """Approve or decline a call, and keep what became of it.

    Raises:
        Refused: The policy would not let it run, or the store cannot be used; it waits on.
    """
    name = question.confirmation_id
    if choice == "approve":
        if bar := _bar(tool, question):
            raise Refused(bar, HTTPStatus.CONFLICT)
        result = tool.approve(name, context=_CONTEXT)
    else:
        result = tool.decline(name, context=_CONTEXT)
        if result["error"]["code"] not in (PolicyRefused.code, ConfirmationUnknown.code):
            raise Refused(result["summary"], HTTPStatus.SERVICE_UNAVAILABLE)
    if result["ok"] or result["error"]["code"] != ConfirmationUnknown.code:  # another was quicker
        workspace.decided.put(name, Decided(question, choice, result, workspace.now()))


def _asked(visit: Visit, tool: CustomerIoTool, question: Question) -> _Asked:
    left = max(0, int(question.ends_at - visit.workspace.now()))
    return _Asked(question, left, _bar(tool, question))


def _bar(tool: CustomerIoTool, question: Question) -> str:
    """Return why approving would not run a call; what is taken to be approved waits no longer."""
    try:
        allows = tool.policy.allows(find(question.subtool))
    except SubtoolUnknown:
        allows = False
    if question.arguments is None:
        return "It cannot be approved here."
    if not allows:
        return "The choices of the page Tool do not allow this subtool: approving would refuse it."
    if tool.policy.dry_run:
        return "The chosen policy is a dry run: approving would send nothing, and end the wait."
    return ""
