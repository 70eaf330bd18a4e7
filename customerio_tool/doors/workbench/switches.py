"""The subtools as switches: which are on, what each does, and what that costs a model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from customerio_tool.details import Detail
from customerio_tool.doors.cli.tokens import VOCABULARY, counter
from customerio_tool.doors.workbench.workspaces import Workspace
from customerio_tool.policy import Policy
from customerio_tool.policy.barred import barred
from customerio_tool.policy.narrowing import with_switch
from customerio_tool.policy.values import Confirm
from customerio_tool.subtools import all_subtools, subtools
from customerio_tool.subtools.declare import NO_PEOPLE, Api, Effect, Subtool
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.tool import CustomerIoTool

_BYTES_PER_TOKEN = 4
"""For the estimate; of our definitions, tokenizers make a token of 4 to 4.5 bytes."""


@dataclass(frozen=True)
class Switch:
    """One subtool.

    Args:
        subtool: The subtool.
        is_on: Whether the chosen policy enables it.
        is_offered: Whether the server allows it at all.
        refusal: Why no call of it runs though it is on, as a sentence; "" if calls may run.
        badges: What a person must know of it, each with its colour.
        tokens: How many tokens its definition has for a model.
    """

    subtool: Subtool[Any]
    is_on: bool
    is_offered: bool
    refusal: str
    badges: Sequence[tuple[str, str]]
    tokens: int

    @property
    def counts(self) -> bool:
        """Whether a model is shown it."""
        return self.is_on and not self.refusal


@dataclass(frozen=True)
class Group:
    """The subtools of one effect."""

    effect: Effect
    switches: Sequence[Switch]

    @property
    def on(self) -> int:
        """How many of them are on."""
        return sum(each.is_on for each in self.switches)


def groups_of(workspace: Workspace, enabled: Collection[str] | None = None) -> list[Group]:
    """Return all subtools of a workspace by effect, in the order of `Effect`.

    Args:
        workspace: The workspace.
        enabled: The subtools that are on; by default those that its policy enables.
    """
    order = list(Effect)
    known = all_subtools() if workspace.policy.lookups else subtools()
    if enabled is None:
        enabled = known if workspace.policy.enabled is None else workspace.policy.enabled
    ordered = sorted(known.values(), key=lambda each: order.index(each.effect))
    with workspace.tool() as tool:
        return [
            Group(
                effect, [_switch(each, each.name in enabled, workspace, tool) for each in members]
            )
            for effect, members in groupby(ordered, key=lambda each: each.effect)
        ]


def counted(groups: Sequence[Group]) -> tuple[int, int]:
    """Return how many subtools a model is shown, and how many tokens their definitions are."""
    shown = [each.tokens for group in groups for each in group.switches if each.counts]
    return len(shown), sum(shown)


def vocabulary() -> str:
    """Return the vocabulary that tokens are counted with.

    It is "" where the extra `tokens` is not installed: then they are estimated, as a quarter of the
    bytes of the definitions as JSON without spaces.
    """
    try:
        counter()
    except ImportError:
        return ""
    return VOCABULARY


def _switch(
    subtool: Subtool[Any], is_enabled: bool, workspace: Workspace, tool: CustomerIoTool
) -> Switch:
    policy, apis = workspace.policy, workspace.ground.connection.apis
    is_offered = with_switch(workspace.bound, lookups=True).allows(subtool)
    refusal = barred(subtool, policy)
    if not subtool.apis <= apis:
        refusal = "The connection has no key of its API."
    return Switch(
        subtool,
        is_on=is_enabled and is_offered,
        is_offered=is_offered,
        refusal=refusal if is_offered else "The server does not offer it.",
        badges=_badges(subtool, policy),
        tokens=_tokens(subtool, tool, workspace.detail),
    )


def _badges(subtool: Subtool[Any], policy: Policy) -> list[tuple[str, str]]:
    facts = {
        **{(api.value, ""): api in subtool.apis for api in Api},
        ("reads personal data", "warn"): subtool.effect.read_only and subtool.people != NO_PEOPLE,
        ("reaches people", "bad"): subtool.effect is Effect.SEND,
        ("can start campaigns", "warn"): subtool.may_start_campaigns,
        ("can redirect messages", "warn"): subtool.may_redirect_messages,
        **_asking(subtool, policy),
    }
    return [badge for badge, is_so in facts.items() if is_so]


def _asking(subtool: Subtool[Any], policy: Policy) -> dict[tuple[str, str], bool]:
    """Return what comes before a call: of every call, or of some."""
    words = {"human": "asks a person", "repeat": "asks twice"}
    always = policy.requires_confirmation(subtool)
    word = words.get(policy.confirm_for(subtool), "")
    return {(word if always else f"sometimes {word}", "good"): bool(word)}


def _tokens(subtool: Subtool[Any], tool: CustomerIoTool, detail: Detail) -> int:
    key = (subtool.name, tool.policy.confirm_for(subtool), detail)
    if key not in _KNOWN:
        definition = tool.definition(subtool.name, "openai", detail)
        _KNOWN[key] = counter()(definition) if vocabulary() else _estimated(definition)
    return _KNOWN[key]


def _estimated(definition: object) -> int:
    return round(len(compact(definition).encode()) / _BYTES_PER_TOKEN)


_KNOWN: dict[tuple[str, Confirm, Detail], int] = {}
"""The tokens by subtool, by what comes before its calls and by detail: no more makes a
definition differ."""
