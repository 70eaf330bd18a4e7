"""The tool: its card, which subtools are on, the rules of every call, and taking that along."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from http import HTTPStatus

from starlette.responses import Response

from customerio_tool.doors.cli.publish.manifest import manifest
from customerio_tool.doors.studio.governance import DESCRIPTIONS
from customerio_tool.doors.workbench.exports import chosen
from customerio_tool.doors.workbench.routing import Pages
from customerio_tool.doors.workbench.rules import (
    WORDS,
    Form,
    Rule,
    policy_in,
    preset_of,
    rules_of,
    rules_typed,
    within,
)
from customerio_tool.doors.workbench.switches import counted, groups_of, vocabulary
from customerio_tool.doors.workbench.tool_exports import exports_of
from customerio_tool.doors.workbench.visit import Refused, Visit, see
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.policy import Policy
from customerio_tool.sets import PURPOSES, sets
from customerio_tool.subtools import all_subtools

PAGES = Pages()


@PAGES.get("/tool")
def tool(visit: Visit) -> Response:
    """Show the card, the switches and the rules."""
    return _page(visit, rules_of(visit.workspace.policy))


@PAGES.post("/tool")
def save(visit: Visit) -> Response:
    """Save what was chosen, or what a button for several switches or rules chooses."""
    workspace = visit.meant
    form = _only_set(_switched(visit.form, visit.field("group")), visit.field("set"))
    try:
        wanted = policy_in(form, workspace.bound)
    except ConnectionInvalid as wrong:
        problems = {each.path.removeprefix("policy."): each for each in wrong.fields}
        words = {name: f"It {each.problem}: {each.fix}." for name, each in problems.items()}
        return _page(
            visit,
            rules_typed(form, words),
            HTTPStatus.UNPROCESSABLE_ENTITY,
            form.get("enabled", ()),
        )
    preset = visit.field("preset")
    if preset not in ("", *DESCRIPTIONS):
        raise Refused("There is no such preset.", HTTPStatus.NOT_FOUND)
    workspace.policy = within(workspace.bound, wanted, preset)
    is_whole = bool(preset) or _is_as_wanted(workspace.policy, wanted)
    return see("/tool", done="policy" if is_whole else "policy_narrower")


@PAGES.get("/tool/export")
def export(visit: Visit) -> Response:
    """Show what was chosen in a form to take along."""
    forms = exports_of(visit.workspace)
    return visit.page("tool_export", forms=forms, form=chosen(forms, visit.query.get("as", "")))


@PAGES.get("/tool/export/{word}")
def download(visit: Visit) -> Response:
    """Let one be saved as a file."""
    return chosen(exports_of(visit.workspace), visit.parameters["word"]).download()


def _page(
    visit: Visit,
    rules: Sequence[Rule],
    status: int = HTTPStatus.OK,
    enabled: Collection[str] | None = None,
) -> Response:
    workspace = visit.workspace
    groups = groups_of(workspace, enabled)
    shown, tokens = counted(groups)
    return visit.page(
        "tool",
        status,
        card=manifest(),
        groups=groups,
        shown=shown,
        total=sum(len(group.switches) for group in groups),
        tokens=tokens,
        vocabulary=vocabulary(),
        presets=DESCRIPTIONS,
        sets=PURPOSES,
        preset=preset_of(workspace.policy, workspace.bound),
        rules=rules,
        words=WORDS,
    )


def _switched(form: Form, group: str) -> Form:
    """Return a form with all switches of an effect as a button says, such as `read:on`."""
    effect, _, state = group.partition(":")
    members = {name for name, each in all_subtools().items() if each.effect.word == effect}
    enabled = set(form.get("enabled", ()))
    return {**form, "enabled": sorted(enabled | members if state == "on" else enabled - members)}


def _only_set(form: Form, name: str) -> Form:
    """Return a form with the switches of a set on and the others off, as its button says."""
    return {**form, "enabled": sorted(sets()[name])} if name in sets() else form


def _is_as_wanted(policy: Policy, wanted: Policy) -> bool:
    """Whether a policy has the rules that were wanted: the server's own narrowed none."""
    return _rules(policy) == _rules(wanted)


def _rules(policy: Policy) -> Policy:
    """Return a policy without its switches, and with its rules in their one form."""
    return within(policy, policy).model_copy(update={"enabled": None})
