"""Makes a call that a person tries, with what goes over the wire and what changes by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from customerio_tool.calls.call import Call, CallContext, Exchange
from customerio_tool.calls.request import request_for
from customerio_tool.connection.exchange import Request
from customerio_tool.deadline import Clock
from customerio_tool.doors.workbench.trials import Trial
from customerio_tool.doors.workbench.workspaces import DOOR, Workspace
from customerio_tool.errors import CustomerIoError
from customerio_tool.sandbox.serving.request_log import BODY_KEPT
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Invocation
from customerio_tool.subtools.declare.identifiers import ulid

if TYPE_CHECKING:
    from customerio_tool.sandbox import Sandbox


def make(workspace: Workspace, trial: Trial) -> None:
    """Make the call of a trial, and keep in it what becomes of it."""
    draft = trial.draft
    context = CallContext(
        run_id=draft.run_id or None, on_exchange=trial.note, on_progress=trial.note, door=DOOR
    )
    try:
        with workspace.tool(dry_run=trial.is_dry) as tool:
            local = workspace.local
            before = local.record_changes() if local else 0
            trial.envelope = tool.call(draft.subtool, draft.arguments, context=context)
            if trial.envelope.get("outcome") == "dry_run":
                trial.request = _request(workspace, trial)
            if local:
                _see_effect(local, trial, before)
    except CustomerIoError as error:  # such as of a connection that cannot be used
        trial.envelope = error.as_result()
    finally:
        trial.end()


def _request(workspace: Workspace, trial: Trial) -> Request:
    """Return the request of a dry run: its envelope has no hidden characters, and is cut."""
    ground, subtool = workspace.ground, find(trial.subtool)
    clock = ground.clock or Clock()
    fresh = ulid(clock.now(), clock.entropy(10))
    at = Invocation(now=clock.now(), workspace=ground.connection.workspace_key, ulid=fresh)
    return request_for(Call(subtool, subtool.parse(trial.draft.arguments), at))


def _see_effect(local: Sandbox, trial: Trial, before: int) -> None:
    """Keep which entries of the sandbox's log are the call's own, and what they changed."""
    trial.sandbox = local.site_id
    trial.requests = _own(local.requests(before), trial.exchanges)
    trial.effect = local.changes(trial.requests)


def see_again(local: Sandbox, trial: Trial) -> None:
    """Look again for an effect that was still to come, if the sandbox was not reset since."""
    is_to_come = trial.effect is not None and trial.effect["due"] is not None
    if is_to_come and trial.sandbox == local.site_id:
        trial.effect = local.changes(trial.requests)


def _own(entries: Iterable[Mapping[str, Any]], exchanges: Iterable[Exchange]) -> list[int]:
    """Return the numbers of the entries that are those of the exchanges.

    Others may call the sandbox meanwhile: only what is word for word the same is taken. Of equal
    requests of two calls, it does not matter which call is told of which.
    """
    sent = Counter(_key(each) for each in exchanges)
    own = []
    for entry in entries:
        query = tuple(entry["query"].items())
        key = entry["method"], entry["path"], query, entry["body_bytes"], entry["body"]
        if sent[key] > 0:
            sent[key] -= 1
            own.append(entry["n"])
    return own


def _key(exchange: Exchange) -> tuple[Any, ...]:
    """Return an exchange's request as the log has it, which cuts a long body."""
    request, body = exchange.request, exchange.request.body or b""
    query = tuple(parse_qsl(request.query, keep_blank_values=True))
    logged = body[:BODY_KEPT].decode("utf-8", "replace")
    return request.method, request.path, query, len(body), logged
