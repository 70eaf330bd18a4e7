"""The agent: an assistant that uses the enabled subtools, or the demo's script without one."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from customerio_tool.doors.workbench.agent.endpoint import (
    KEY_VARIABLE,
    MODEL_VARIABLE,
    URL_VARIABLE,
    Endpoint,
    EndpointInvalid,
)
from customerio_tool.doors.workbench.agent.script import STEPS
from customerio_tool.doors.workbench.agent.talk import MOST_ROUNDS
from customerio_tool.doors.workbench.routing import Pages
from customerio_tool.doors.workbench.visit import Refused, Visit, see

PAGES = Pages()

_VARIABLES = {"url": URL_VARIABLE, "key": KEY_VARIABLE, "model": MODEL_VARIABLE}


@PAGES.get("/agent")
def agent(visit: Visit) -> Response:
    """Show the conversation."""
    try:
        endpoint, problem = Endpoint.from_env(visit.environ), ""
    except EndpointInvalid as invalid:
        endpoint, problem = None, str(invalid)
    if endpoint is not None:
        return _talk(visit, endpoint)
    script = visit.workspaces.script
    return visit.page(
        "agent_script",
        problem=problem,
        variables=_VARIABLES,
        turns=script.turns,
        steps=script.steps,
        all_steps=STEPS,
        script_console=script.console_url,
    )


def _talk(visit: Visit, endpoint: Endpoint) -> Response:
    workspace = visit.workspace
    talk = workspace.talk
    with workspace.tool() as tool:
        enabled = tool.subtools()
    return visit.page(
        "agent",
        endpoint=endpoint,
        talk=talk,
        turns=talk.turns,
        untold=talk.untold(workspace.decided.get),
        enabled=enabled,
        rounds=MOST_ROUNDS,
    )


@PAGES.post("/agent/say")
def say(visit: Visit) -> Response:
    """Say something to the assistant, which answers in a thread of its own."""
    workspace = visit.meant
    try:
        endpoint = Endpoint.from_env(visit.environ)
    except EndpointInvalid as invalid:
        raise Refused(str(invalid)) from None
    words = visit.field("words").strip()
    untold = workspace.talk.untold(workspace.decided.get)
    if endpoint is None:
        raise Refused(f"{URL_VARIABLE} is not set: there is no assistant to talk to.")
    if not words and not untold:
        raise Refused("Write what the assistant is to do.")
    if not workspace.talk.say(words, untold, endpoint, workspace.tool):
        words = "The assistant has not yet answered, or the conversation is full. Go back to it."
        raise Refused(words, HTTPStatus.CONFLICT)
    return see("/agent#words")


@PAGES.post("/agent/stop")
def stop(visit: Visit) -> Response:
    """Let the assistant stop."""
    visit.meant.talk.stop()
    return see("/agent")


@PAGES.post("/agent/anew")
def anew(visit: Visit) -> Response:
    """Forget the conversation."""
    visit.meant.talk.begin_anew()
    return see("/agent")


@PAGES.post("/agent/script")
def script(visit: Visit) -> Response:
    """Play the next step of the script, all of them, or begin anew."""
    script, choice = visit.workspaces.script, visit.field("choice")
    if choice == "anew":
        script.begin_anew()
    else:
        script.play(STEPS if choice == "all" else 1)
    return see("/agent#next")
