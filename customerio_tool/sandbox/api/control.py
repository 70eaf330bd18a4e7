"""The control routes under ``/_sandbox/``: they inspect and change the local Customer.io."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .. import declared
from ..options import Options
from ..refusal import Refused
from ..seeds import seeding
from ..serving import access
from ..serving.faults import Fault
from ..serving.http import Reply, Request, app_errors, json_reply
from ..serving.routes import Routes
from ..store import state

if TYPE_CHECKING:
    from ..clock import Clock
    from ..serving.application import Application

_PAGE = "docs/reference/sandbox-api.md"
_WAIT, _LONGEST_WAIT = 5, 60  # seconds
CONTROL = Routes("control", app_errors)
QUERY: Mapping[str, Mapping[str, type]] = {
    "requests": {"after": int, "operation": str, "timeout": int, "wait_for": int}
}
"""The query parameters of an operation, each with its type."""


@dataclass(frozen=True)
class _Reset:
    to: Literal["seed", "empty"] = "seed"
    snapshots: bool = False


@dataclass(frozen=True)
class _Move:
    freeze: bool | float | None = None
    resume: bool | None = None
    advance: float | None = None
    set: float | None = None

    def apply(self, clock: Clock) -> None:
        """Move the clock. Raises ValueError unless exactly one movement is given."""
        asked = [name for name, each in vars(self).items() if each is not None]
        if len(asked) != 1 or self.freeze is False or self.resume is False:
            raise ValueError("clock takes one of freeze, resume, advance, set")
        if self.advance is not None:
            clock.advance(self.advance)
        elif self.set is not None:
            clock.set(self.set)
        elif self.resume:
            clock.resume()
        else:
            clock.freeze(None if self.freeze is True else self.freeze)


def check_access(application: Application, request: Request) -> None:
    """Refuse a request that a web page could make a browser send, or a stranger.

    A change without a JSON type may come from a form.
    """
    is_exposed = application.is_exposed
    access.check_person(application.options, request, "control calls are", is_exposed=is_exposed)
    json_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if json_type != "application/json" and (request.method not in ("GET", "HEAD") or request.body):
        raise Refused("control calls that change something need Content-Type: application/json")


def check_query(operation: str, request: Request) -> None:
    """Refuse a query parameter that the route does not have."""
    known = QUERY.get(operation, {})
    for name in sorted(request.query.keys() - known):
        hint = declared.nearest(name, known) if known else f"{operation} takes no query parameters"
        raise Refused(f"there is no query parameter {name!r}: {hint}")


def private(reply: Reply) -> Reply:
    """The answer without the header that lets every web page read it."""
    kept = [pair for pair in reply.headers if pair[0] != "Access-Control-Allow-Origin"]
    return Reply(reply.status, reply.body, tuple(kept))


@CONTROL.route("GET", "/_sandbox/health", operation="health", source=_PAGE)
def health(application: Application, _request: Request) -> Reply:
    """Answer that the sandbox is up, with its time."""
    return json_reply({"status": "ok", "time": application.clock.now()})


@CONTROL.route("GET", "/_sandbox/requests", operation="requests", source=_PAGE)
def requests(application: Application, request: Request) -> Reply:
    """The request log: the entries after number ``after``, of one ``operation`` if given.

    ``wait_for=n`` answers as soon as there are n entries, or after ``timeout`` seconds (5 by
    default, 60 at most). It is refused if the log keeps fewer than n.
    """
    count, seconds = request.query_int("wait_for") or 0, request.query_int("timeout")
    timeout = float(_WAIT if seconds is None else max(0, min(seconds, _LONGEST_WAIT)))
    after, operation = request.query_int("after") or 0, request.query.get("operation")
    with _errors_refused():
        log = application.requests(after, operation, count=count, timeout=timeout)
    return json_reply({"requests": log})


@CONTROL.route("GET", "/_sandbox/state", operation="state", source=_PAGE)
def whole_state(application: Application, _request: Request) -> Reply:
    """The whole workspace."""
    with application.work() as ws:
        return json_reply(state.dump_state(ws))


@CONTROL.route("POST", "/_sandbox/reset", operation="reset", source=_PAGE, takes=_Reset)
def reset_workspace(application: Application, request: Request) -> Reply:
    """Restore the state of the start; ``{"to": "empty"}`` leaves the workspace empty.

    Log, faults, clock and options are reset too; snapshots only with ``{"snapshots": true}``.
    """
    with _errors_refused():
        wanted = declared.read(_Reset, request.json_object(), "reset")
        application.reset(wanted.to, snapshots=wanted.snapshots)
    return json_reply({"reset": wanted.to})


@CONTROL.route("POST", "/_sandbox/seed", operation="seed", source=_PAGE, takes=seeding.ENTRIES)
def seed(application: Application, request: Request) -> Reply:
    """Add a seed's entries; ``seeding`` describes its form."""
    with _errors_refused():
        return json_reply({"seeded": application.add_seed(request.json)})


@CONTROL.route("GET", "/_sandbox/options", operation="options", source=_PAGE)
def options(application: Application, _request: Request) -> Reply:
    """All options except the credentials."""
    return json_reply({"options": application.options.shown()})


@CONTROL.route(
    "PATCH", "/_sandbox/options", operation="change_options", source=_PAGE, takes=Options
)
def change_options(application: Application, request: Request) -> Reply:
    """Change the options in the body."""
    with _errors_refused():
        application.change_options(request.json_object())
    return options(application, request)


@CONTROL.route("GET", "/_sandbox/clock", operation="clock", source=_PAGE)
def clock(application: Application, _request: Request) -> Reply:
    """The sandbox's time in Unix seconds, and whether its clock is frozen."""
    found = application.clock
    return json_reply({"time": found.now(), "frozen": found.is_frozen})


@CONTROL.route("POST", "/_sandbox/clock", operation="set_clock", source=_PAGE, takes=_Move)
def set_clock(application: Application, request: Request) -> Reply:
    """Move the clock by one of ``freeze`` (true or a time), ``resume``, ``advance`` and ``set``.

    ``{"advance": seconds}`` and ``{"set": time}`` leave a running clock running.
    """
    with _errors_refused():
        move = declared.read(_Move, request.json_object(), "clock")
        move.apply(application.clock)
    return clock(application, request)


@CONTROL.route("GET", "/_sandbox/snapshots", operation="snapshots", source=_PAGE)
def snapshots(application: Application, _request: Request) -> Reply:
    """The names of all snapshots."""
    return json_reply({"snapshots": application.snapshots.names()})


@CONTROL.route("PUT", "/_sandbox/snapshots/{name}", operation="snapshot", source=_PAGE)
def snapshot(application: Application, request: Request, name: str) -> Reply:
    """Take a snapshot of the workspace."""
    application.snapshots.take(name)
    return snapshots(application, request)


@CONTROL.route("POST", "/_sandbox/snapshots/{name}/restore", operation="restore", source=_PAGE)
def restore(application: Application, request: Request, name: str) -> Reply:
    """Return to a snapshot."""
    with _missing_refused():
        application.snapshots.restore(name)
    return snapshots(application, request)


@CONTROL.route("DELETE", "/_sandbox/snapshots/{name}", operation="drop_snapshot", source=_PAGE)
def drop_snapshot(application: Application, request: Request, name: str) -> Reply:
    """Delete a snapshot."""
    with _missing_refused():
        application.snapshots.drop(name)
    return snapshots(application, request)


@CONTROL.route("GET", "/_sandbox/faults", operation="faults", source=_PAGE)
def faults(application: Application, _request: Request) -> Reply:
    """The fault rules in force, each with its counts of matching and of hit requests."""
    return json_reply({"faults": application.faults.shown()})


@CONTROL.route(
    "PUT", "/_sandbox/faults", operation="set_faults", source=_PAGE, takes={"faults": Fault}
)
def set_faults(application: Application, request: Request) -> Reply:
    """Replace all rules by those of ``{"faults": [rule, ...]}``."""
    body = request.json_object()
    rules: Any = body.get("faults")
    if not isinstance(rules, list) or len(body) > 1:
        raise Refused('the body must be {"faults": [rule, ...]}')
    return _changed_faults(application, lambda: application.faults.set(rules))


@CONTROL.route("POST", "/_sandbox/faults", operation="add_fault", source=_PAGE, takes=Fault)
def add_fault(application: Application, request: Request) -> Reply:
    """Add one rule, the body, after the others."""
    rule = request.json_object()
    return _changed_faults(application, lambda: application.faults.add(rule))


@CONTROL.route("DELETE", "/_sandbox/faults", operation="clear_faults", source=_PAGE)
def clear_faults(application: Application, _request: Request) -> Reply:
    """Remove all rules."""
    return _changed_faults(application, application.faults.clear)


def _changed_faults(application: Application, change: Callable[[], object]) -> Reply:
    with _errors_refused():
        change()
    return json_reply({"faults": application.faults.shown()})


@contextmanager
def _errors_refused() -> Iterator[None]:
    """Turn a ValueError about the input into a refusal with its text."""
    try:
        yield
    except ValueError as error:
        raise Refused(str(error)) from None


@contextmanager
def _missing_refused() -> Iterator[None]:
    """Turn a KeyError about a name into ``not_found`` with its text."""
    try:
        yield
    except KeyError as error:
        raise Refused(str(error.args[0]), "not_found") from None
