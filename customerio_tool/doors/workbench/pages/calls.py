"""The calls: the audit trail of a workspace, and the attempts of each call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import get_args
from urllib.parse import urlencode

from starlette.responses import Response

from customerio_tool.backends.telemetry.audit import AuditTrail, Line
from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart
from customerio_tool.doors.workbench.routing import Pages
from customerio_tool.doors.workbench.visit import Visit
from customerio_tool.doors.workbench.workspaces import Workspace
from customerio_tool.subtools.declare.results import Outcome

PAGES = Pages()

_ROWS = 50
"""How many calls a page shows."""


@dataclass(frozen=True)
class Row:
    """A call as the page shows it; there is nothing of its arguments.

    Args:
        start: How it began.
        end: How it ended.
        sent: Its attempts; None if only the file is left of the call, which does not have them.
    """

    start: CallStart
    end: CallEnd
    sent: tuple[Attempt, ...] | None = None

    @property
    def place(self) -> str:
        """A text that orders calls by time, and by their ids where they began at once."""
        return f"{self.start.started_at:016.3f}-{self.start.call_id}"

    @property
    def ms(self) -> int:
        """How long it took, in milliseconds."""
        return round(self.end.seconds * 1000)

    @property
    def look(self) -> str:
        """The colour of its outcome: what is to be looked at stands out from what failed."""
        if self.end.ok:
            return "good"
        return "warn" if self.end.outcome in _OPEN else "bad"


_OPEN = ("confirmation_required", "outcome_unknown", "send_in_progress", "rate_limited")
"""Failures after which something is to be done or looked at, rather than put right."""

_FILTERS: Mapping[str, Callable[[Row], str]] = {
    "outcome": lambda row: row.end.outcome,
    "subtool": lambda row: row.start.subtool,
    "effect": lambda row: row.start.effect,
    "run": lambda row: row.start.run_id or "",
}
"""What the calls can be chosen by."""


@PAGES.get("/calls")
def calls(visit: Visit) -> Response:
    """Show the newest calls, or the chosen ones among them."""
    every = rows_of(visit.workspace)
    chosen = {name: visit.query.get(name, "") for name in _FILTERS}
    fitting = [each for each in every if _fits(each, chosen)]
    before = visit.query.get("before", "")
    rest = [each for each in fitting if not before or each.place < before]
    shown, more = rest[:_ROWS], len(rest) > _ROWS
    kept = {name: value for name, value in chosen.items() if value}
    return visit.page(
        "calls",
        rows=shown,
        total=len(every),
        found=len(fitting),
        chosen=chosen,
        choices={name: _choices(every, name) for name in _FILTERS},
        older=urlencode({**kept, "before": shown[-1].place}) if more else "",
        is_later=bool(before),
        has_file=_trail_of(visit.workspace) is not None,
    )


@PAGES.get("/calls/{call_id}")
def call(visit: Visit) -> Response:
    """Show one call with its attempts."""
    name = visit.parameters["call_id"]
    found = next((each for each in rows_of(visit.workspace) if each.start.call_id == name), None)
    return visit.page("call", HTTPStatus.OK if found else HTTPStatus.NOT_FOUND, row=found)


def rows_of(workspace: Workspace) -> list[Row]:
    """Return the calls of a workspace that are known here, the newest first, each once."""
    rows = [Row(each.start, each.end, each.attempts) for each in workspace.recent.calls()]
    known = {each.start.call_id for each in rows}
    if trail := _trail_of(workspace):
        rows += [_of_file(line) for line in trail.newest() if line.call_id not in known]
    return sorted(rows, key=lambda each: each.place, reverse=True)


def _trail_of(workspace: Workspace) -> AuditTrail | None:
    """Return the audit trail in which the calls of a workspace are written; None if in none."""
    every = workspace.ground.backends.telemetry
    return next((each for each in every if isinstance(each, AuditTrail)), None)


def _of_file(line: Line) -> Row:
    start = CallStart(
        line.call_id,
        line.subtool,
        line.effect,
        "",
        line.at,
        line.run_id,
        line.id_type,
        line.person,
        line.door,
        line.decision,
    )
    is_success = line.outcome in get_args(Outcome)
    return Row(start, CallEnd(line.outcome, is_success, line.attempts, line.ms / 1000))


def _fits(row: Row, chosen: Mapping[str, str]) -> bool:
    return all(not value or _FILTERS[name](row) == value for name, value in chosen.items())


def _choices(rows: Iterable[Row], name: str) -> list[str]:
    return sorted({value for each in rows if (value := _FILTERS[name](each))})
