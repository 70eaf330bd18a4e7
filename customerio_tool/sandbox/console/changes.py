"""What the forms of the console change. ``site`` has checked where they come from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Literal

from ..refusal import Refused
from ..serving.http import Reply
from . import settings
from .option_fields import changes_of
from .routing import Pages
from .visit import Visit, see

PAGES = Pages()
_WORKSPACE, _FAULTS = "/console/workspace", "/console/faults"
_LONGEST_NAME = 100
_TEXTS = ("operation", "api", "method", "path", "action", "url", "retry_after_form", "body")
_INTEGERS = ("nth", "every", "times", "status", "bytes_per_second")
_NUMBERS = ("probability", "delay", "retry_after")


@PAGES.post("/console/faults/add")
def add_fault(visit: Visit) -> Reply:
    """Add a fault rule."""
    try:
        visit.application.faults.add(_rule(visit.form))
    except ValueError as error:
        return settings.show_faults(visit, visit.form, str(error), 400)
    return see(_FAULTS, "fault")


def _rule(form: dict[str, str]) -> dict[str, Any]:
    """The members of a rule that a form names. Raises ValueError."""
    rule: dict[str, Any] = {name: form[name] for name in _TEXTS if form.get(name)}
    for names, kind, word in ((_INTEGERS, int, "an integer"), (_NUMBERS, float, "a number")):
        for name in names:
            if form.get(name):
                rule[name] = _read(form[name], kind, f"fault.{name} must be {word}")
    return rule


def _read(text: str, kind: Callable[[str], Any], problem: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(problem) from None


@PAGES.post("/console/faults/clear")
def clear_faults(visit: Visit) -> Reply:
    """Remove all fault rules."""
    visit.application.faults.clear()
    return see(_FAULTS, "cleared")


@PAGES.post("/console/options/set")
def change_options(visit: Visit) -> Reply:
    """Change the options that the form has otherwise."""
    application = visit.application
    try:
        application.change_options(changes_of(application.options, visit.form))
    except ValueError as error:
        return settings.show_options(visit, visit.form, str(error), 400)
    return see("/console/options", "options")


@PAGES.post("/console/clock")
def move_clock(visit: Visit) -> Reply:
    """Move the clock: by seconds, to a time, or stop it and let it run."""
    clock, form = visit.application.clock, visit.form
    moves: dict[str, Callable[[], object]] = {
        "advance": lambda: clock.advance(
            _read(form.get("seconds", ""), float, "seconds must be a number")
        ),
        "set": lambda: clock.set(_moment(form.get("time", ""))),
        "freeze": clock.freeze,
        "resume": clock.resume,
    }
    move = moves.get(form.get("move", ""))
    if move is None:
        raise Refused("move must be advance, set, freeze or resume")
    try:
        move()
    except ValueError as error:
        return settings.show_workspace(visit, str(error), 400)
    return see(_WORKSPACE, "clock")


def _moment(text: str) -> float:
    """Unix seconds from a time in UTC such as 2027-01-15T08:00. Raises ValueError."""
    found = _read(text, datetime.fromisoformat, "time must be like 2027-01-15T08:00")
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone.utc)
    return float(found.timestamp())


@PAGES.post("/console/snapshots/take")
def take_snapshot(visit: Visit) -> Reply:
    """Take a snapshot."""
    name = visit.form.get("name", "")
    if not 1 <= len(name) <= _LONGEST_NAME:
        problem = f"a snapshot needs a name of at most {_LONGEST_NAME} characters"
        return settings.show_workspace(visit, problem, 400)
    visit.application.snapshots.take(name)
    return see(_WORKSPACE, "taken")


@PAGES.post("/console/snapshots/restore")
def restore_snapshot(visit: Visit) -> Reply:
    """Return to a snapshot."""
    return _with_snapshot(visit, visit.application.snapshots.restore, "restored")


@PAGES.post("/console/snapshots/drop")
def drop_snapshot(visit: Visit) -> Reply:
    """Delete a snapshot."""
    return _with_snapshot(visit, visit.application.snapshots.drop, "dropped")


def _with_snapshot(visit: Visit, change: Callable[[str], None], done: str) -> Reply:
    try:
        change(visit.form.get("name", ""))
    except KeyError as error:
        return settings.show_workspace(visit, str(error.args[0]), 404)
    return see(_WORKSPACE, done)


@PAGES.post("/console/reset")
def reset(visit: Visit) -> Reply:
    """Return to the start: workspace, log, faults, clock and options."""
    wanted = visit.form.get("to")
    if wanted not in ("seed", "empty"):
        raise Refused("to must be seed or empty")
    to: Literal["seed", "empty"] = "seed" if wanted == "seed" else "empty"
    visit.application.reset(to)
    return see(_WORKSPACE, "reset")
