"""Trying a call: choose a subtool, fill in its form, and see what went out and what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any

from starlette.responses import HTMLResponse, Response

from customerio_tool.connection.masking import KeyMask
from customerio_tool.doors.workbench import calling, same_call
from customerio_tool.doors.workbench.effects import effect_of
from customerio_tool.doors.workbench.fields import (
    Arguments,
    as_fields,
    as_json,
    fields_of,
    problems_in,
    typed,
)
from customerio_tool.doors.workbench.routing import Pages
from customerio_tool.doors.workbench.trials import Draft, Trial
from customerio_tool.doors.workbench.visit import Refused, Visit, see
from customerio_tool.doors.workbench.wire import wire_of
from customerio_tool.doors.workbench.workspaces import Workspace
from customerio_tool.errors import ArgumentsInvalid, SubtoolUnknown
from customerio_tool.policy.barred import barred
from customerio_tool.sandbox.console import queries
from customerio_tool.sandbox.console.messages import FRAME_POLICY
from customerio_tool.sandbox.console.visit import PRIVATE
from customerio_tool.subtools import all_subtools, find, subtools
from customerio_tool.subtools.declare import Effect, Subtool

PAGES = Pages()
_GROUPS: Mapping[Effect, str] = {
    Effect.READ: "Read",
    Effect.OVERWRITE: "Add and change",
    Effect.ADD: "Add and change",
    Effect.RECORD: "Add and change",
    Effect.CREATE: "Add and change",
    Effect.REMOVE: "Remove",
    Effect.ERASE: "Remove",
    Effect.SEND: "Send",
}
_LOOKS: Mapping[Effect, str] = {Effect.READ: "good", Effect.ERASE: "bad", Effect.SEND: "warn"}
_FEW_RESULTS = 8
_FIRST_FIELDS = 4
"""How many fields are seen before one asks for more: a subtool declares its usual ones first."""
_LONGEST = 200
"""Characters of a search, and of the id of a run."""


@PAGES.get("/try")
def choose(visit: Visit) -> Response:
    """Show the subtools, and the results that are kept."""
    return visit.page("try", picker=_picker(visit, None), subtool=None, **_earlier(visit, None))


@PAGES.get("/try/{subtool}")
def try_it(visit: Visit) -> Response:
    """Show the form of a subtool, and beside it the result that the address names."""
    subtool = _named(visit)
    trials = visit.workspace.trials
    trial = trials.trial(_number(visit, "result"))
    if trial is not None and trial.subtool != subtool.name:
        return see(f"/try/{trial.subtool}", result=str(trial.number))
    arguments, run_id = _filled(visit, subtool, trial)
    is_as_called = trial is not None and arguments is trial.draft.arguments
    problems = problems_in((trial and trial.envelope) or {}) if is_as_called else {}
    return visit.page(
        "try",
        picker=_picker(visit, subtool),
        subtool=subtool,
        reason=_reason(subtool, visit.workspace),
        form=_form(visit, subtool, arguments, problems),
        run_id=run_id,
        ticket=trials.ticket(subtool.name),
        says=visit.query.get("says", ""),
        **_earlier(visit, trial),
    )


@PAGES.post("/try/{subtool}")
def send(visit: Visit) -> Response:
    """Take the form: call, or show what was typed in the other way, or ask once more."""
    subtool, trials = _named(visit), visit.workspace.trials
    is_json = visit.field("as") == "json"
    arguments: Arguments = visit.field("json") if is_json else typed(subtool, visit.form)
    action, run_id = visit.field("action"), visit.field("run_id").strip()[:_LONGEST]
    if action in ("form", "json"):
        draft = trials.keep(subtool.name, arguments, run_id)
        return _to_draft(draft, **{"as": action})
    if action not in ("call", "dry_run"):
        raise Refused("This form asks for nothing that the page does.")
    draft = trials.keep(subtool.name, arguments, run_id)
    # Read once: a call that needs no question because it is dry stays dry.
    is_dry = action == "dry_run" or visit.workspace.policy.dry_run
    if not is_dry and visit.workspace.is_live and not subtool.effect.read_only:
        return see(f"/try/{subtool.name}/confirm", draft=str(draft.number))
    return _called(visit, draft, subtool.name, is_dry=is_dry)


@PAGES.get("/try/{subtool}/confirm")
def ask(visit: Visit) -> Response:
    """Ask once more before a call that changes a live workspace."""
    subtool, draft = _named(visit), _draft(visit, visit.query.get("draft", ""))
    return visit.page(
        "try_confirm",
        subtool=subtool,
        draft=draft,
        plan=_plan(subtool, draft.arguments),
        typed=as_json(subtool, draft.arguments),
        warns=_WARNINGS.get(subtool.effect, "This changes the workspace."),
        ticket=visit.workspace.trials.ticket(_purpose(draft)),
    )


@PAGES.post("/try/{subtool}/confirm")
def confirm(visit: Visit) -> Response:
    """Make the call that a person looked at once more."""
    draft = _draft(visit, visit.field("draft"))
    return _called(visit, draft, _purpose(draft), is_dry=False)


@PAGES.get("/try/{subtool}/mail/{delivery}")
def mail(visit: Visit) -> Response:
    """Return the HTML of a message of the sandbox, for a frame that runs no script."""
    local = visit.workspace.local
    if local is None:
        raise Refused("Only a local Customer.io shows messages.", HTTPStatus.NOT_FOUND)
    with local.application.work() as ws:
        row = queries.delivery(ws, visit.parameters["delivery"])
    if row is None or row["type"] != "email":
        raise Refused("There is no such message here.", HTTPStatus.NOT_FOUND)
    headers = {**dict(PRIVATE), "Content-Security-Policy": FRAME_POLICY}
    return HTMLResponse(str(json.loads(row["content"]).get("body") or ""), headers=headers)


_WARNINGS: Mapping[Effect, str] = {
    Effect.SEND: "This reaches people.",
    Effect.ERASE: "This erases data, and nothing brings it back.",
}


def _called(visit: Visit, draft: Draft, purpose: str, *, is_dry: bool) -> Response:
    """Make the call of a form, once, and return the way to its result."""
    workspace, ticket = visit.workspace, visit.field("ticket")
    trial = workspace.trials.begin(ticket, purpose, draft, is_dry=is_dry)
    if trial is not None:
        calling.make(workspace, trial)
        return see(f"/try/{draft.subtool}", result=str(trial.number))
    made = workspace.trials.trial(workspace.trials.made_by(ticket) or 0)
    if made is None or not made.draft.is_like(draft):  # such as after a step back, and a change
        return _to_draft(draft, says="old")
    return see(f"/try/{draft.subtool}", result=str(made.number), says="twice")


def _to_draft(draft: Draft, **query: str) -> Response:
    return see(f"/try/{draft.subtool}", draft=str(draft.number), **query)


def _purpose(draft: Draft) -> str:
    return f"confirm {draft.number}"


def _plan(subtool: Subtool[Any], arguments: Arguments) -> str:
    """Return what a call will do, in words; empty if its arguments make none."""
    try:
        args = subtool.parse(arguments)
    except ArgumentsInvalid:
        return ""
    return subtool.plan(args) if subtool.plan else f"{subtool.promise}"


def _named(visit: Visit) -> Subtool[Any]:
    try:
        return find(visit.parameters["subtool"])
    except SubtoolUnknown as error:
        raise Refused(error.summary, HTTPStatus.NOT_FOUND) from None


def _number(visit: Visit, name: str) -> int:
    """Return a number of the query; 0, which nothing has, if it is none."""
    return _digits(visit.query.get(name, ""))


def _digits(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _draft(visit: Visit, number: str) -> Draft:
    draft = visit.workspace.trials.draft(_digits(number))
    if draft is None or draft.subtool != visit.parameters["subtool"]:
        words = "Nothing was called: this form is of another workspace, or too old."
        raise Refused(words, HTTPStatus.NOT_FOUND)
    return draft


def _filled(visit: Visit, subtool: Subtool[Any], trial: Trial | None) -> tuple[Arguments, str]:
    """Return what the form holds, and the run: as the address says, else as it was called."""
    if draft := visit.workspace.trials.draft(_number(visit, "draft")):
        return draft.arguments, draft.run_id
    if advised := _advised(visit):
        return advised, ""
    example = _number(visit, "example")
    if 0 < example <= len(subtool.examples):
        return subtool.examples[example - 1].arguments, ""
    return (trial.draft.arguments, trial.draft.run_id) if trial else ({}, "")


def _advised(visit: Visit) -> Mapping[str, Any] | None:
    """Return the arguments of the call that a result advises, named as in `fill=7.look`."""
    number, _, member = visit.query.get("fill", "").partition(".")
    trial = visit.workspace.trials.trial(_digits(number))
    for each in _advice(trial):
        if each["member"] == member:
            arguments: Mapping[str, Any] = each["arguments"]
            return arguments
    return None


_ADVICE = (
    ("verify", "Read whether it took effect"),
    ("look", "Look first"),
    ("try", "Fill in as advised"),
    ("token", "Ask the second time"),
)


def _advice(trial: Trial | None) -> Iterator[dict[str, Any]]:
    """Yield the calls that a result names: the member, the words, the subtool, the arguments."""
    envelope = trial.envelope if trial else None
    if trial is None or not envelope:
        return
    error = envelope.get("error", {})
    given = as_fields(trial.draft.arguments)
    token = envelope.get("confirmation_token")
    calls = {
        "verify": envelope.get("verify"),
        "look": error.get("look") or envelope.get("look"),
        "try": error.get("try") and {"subtool": trial.subtool, "arguments": error["try"]},
        "token": token
        and given is not None
        and {"subtool": trial.subtool, "arguments": {**given, "confirmation_token": token}},
    }
    for member, words in _ADVICE:
        if call := calls[member]:
            yield {"member": member, "words": words, **call}


def _form(
    visit: Visit, subtool: Subtool[Any], arguments: Arguments, problems: Mapping[str, list[str]]
) -> dict[str, Any]:
    """Return the form in the way that is asked for; what no field can hold stays JSON."""
    given = as_fields(arguments)
    wanted = visit.query.get("as") or ("json" if isinstance(arguments, str) else "form")
    if given is None or wanted == "json":
        is_unreadable = given is None and wanted == "form"
        return {"json": as_json(subtool, arguments), "is_unreadable": is_unreadable}
    fields = fields_of(subtool, given, problems)
    seen = {each.name for each in fields}
    needed = [each for each in fields if each.is_required or each.value or each.problems]
    first = [each for each in fields if each in needed or each in fields[:_FIRST_FIELDS]]
    return {
        "json": None,
        "first": first,
        "more": [each for each in fields if each not in first],
        "others": [line for name, each in problems.items() if name not in seen for line in each],
    }


def _picker(visit: Visit, chosen: Subtool[Any] | None) -> dict[str, Any]:
    """Return the subtools that a search finds, in groups by their effect."""
    asked = visit.query.get("q", "").strip()[:_LONGEST]
    words = asked.casefold().split()
    order = list(dict.fromkeys(_GROUPS.values()))
    known = all_subtools() if visit.workspace.policy.lookups else subtools()
    found = sorted(
        (each for each in known.values() if all(word in _text(each) for word in words)),
        key=lambda each: order.index(_GROUPS[each.effect]),
    )
    groups = [
        (name, [(each, _reason(each, visit.workspace)) for each in group])
        for name, group in groupby(found, key=lambda each: _GROUPS[each.effect])
    ]
    return {"asked": asked, "groups": groups, "chosen": chosen.name if chosen else ""}


def _text(subtool: Subtool[Any]) -> str:
    return f"{subtool.name} {subtool.title} {subtool.promise} {subtool.effect.word}".casefold()


def _reason(subtool: Subtool[Any], workspace: Workspace) -> str:
    """Return why a subtool may not run; empty if it may."""
    if reason := barred(subtool, workspace.policy):
        return reason
    return "" if workspace.policy.allows(subtool) else "Switched off on the page Tool."


def _earlier(visit: Visit, trial: Trial | None) -> dict[str, Any]:
    """Return what the right pane shows: one result, and the newest others."""
    workspace = visit.workspace
    newest = [each for each in workspace.trials.newest if each is not trial]
    shown = None if trial is None else _result(workspace, trial)
    return {"result": shown, "newest": newest[:_FEW_RESULTS], "looks": _LOOKS}


def _result(workspace: Workspace, trial: Trial) -> dict[str, Any]:
    connection, local = workspace.ground.connection, workspace.local
    if local is not None:
        calling.see_again(local, trial)
    return {
        "trial": trial,
        "envelope": trial.envelope,
        "outcome": outcome_of(trial),
        "advice": list(_advice(trial)),
        "wire": wire_of(trial, KeyMask(connection), frozenset(workspace.policy.hidden_attributes)),
        "effect": effect_of(trial.effect) if trial.effect else None,
        "forms": same_call.forms_of(trial, connection),
        "variables": same_call.variables_of(connection),
    }


_OUTCOMES = {"done": "good", "accepted": "good", "already_sent": "warn", "dry_run": "quiet"}
_WAITING = ("confirmation_required", "outcome_unknown", "send_in_progress")


def outcome_of(trial: Trial) -> tuple[str, str]:
    """Return how a call ended in a word, and the colour of that."""
    envelope = trial.envelope
    if envelope is None:
        return ("running", "quiet") if trial.seconds is None else ("broken", "bad")
    if envelope["ok"]:
        outcome = envelope["outcome"]
        return outcome.replace("_", " "), _OUTCOMES[outcome]
    code = envelope["error"]["code"]
    return code.replace("_", " "), "warn" if code in _WAITING else "bad"
