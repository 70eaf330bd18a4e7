"""The routes under ``/_sandbox/``: seeing and resetting the local Customer.io itself."""

from __future__ import annotations

from . import state
from .http import Reply, Request, app_errors, json_reply
from .refusal import Refused
from .routes import Routes
from .seed import reset
from .workspace import Workspace

_README = "README: Local Customer.io"
CONTROL = Routes("control", app_errors)


@CONTROL.route("GET", "/_sandbox/health", operation="health", seen=_README)
def health(ws: Workspace, _request: Request) -> Reply:
    """Whether it is up, and its time."""
    return json_reply({"status": "ok", "time": ws.time})


@CONTROL.route("GET", "/_sandbox/requests", operation="requests", seen=_README)
def requests(ws: Workspace, request: Request) -> Reply:
    """The request log; ``after=n`` leaves out what was seen already."""
    return json_reply({"requests": state.requests(ws, request.query_int("after") or 0)})


@CONTROL.route("GET", "/_sandbox/state", operation="state", seen=_README)
def whole_state(ws: Workspace, _request: Request) -> Reply:
    """The whole workspace."""
    return json_reply(state.dump_state(ws))


@CONTROL.route("POST", "/_sandbox/reset", operation="reset", seen=_README)
def reset_workspace(ws: Workspace, request: Request) -> Reply:
    """Back to the demo workspace, or with ``{"to": "empty"}`` to nothing; the log goes as well."""
    to = request.json_object().get("to", "seed")
    if to not in ("seed", "empty"):
        raise Refused("to must be seed or empty")
    reset(ws, seeded=to == "seed")
    return json_reply({"reset": to})
