"""The policies of the studio's own governance: Allow, Human approval or Deny for each subtool.

The words are those of its wizard (https://docs.phinite.ai/governance/tool-policies). The studio
publishes no format for importing a policy, so the layout is this project's own.
"""

from __future__ import annotations

from typing import Any

from customerio_tool.policy import Policy
from customerio_tool.subtools import all_subtools, subtools
from customerio_tool.subtools.declare import Effect, Subtool

ALLOW, APPROVAL, DENY = "Allow", "Human approval", "Deny"

_SOURCE = "https://docs.phinite.ai/governance/tool-policies"
_NOTE = (
    "For the steps Tools and Actions & arguments of the wizard. The studio asks the person, so the "
    "tool must not ask a second time: set the environment variables of the policy beside it. They "
    "keep what the wizard cannot express, and CUSTOMERIO_CONFIRM=never leaves the question to the "
    "studio."
)
DESCRIPTIONS = {
    "read_only": "Reads Customer.io, and changes and sends nothing.",
    "careful": "A person approves what erases, sends or may merge two people.",
    "open": "Everything may run, and nobody is asked.",
}
"""What each preset means, as a sentence."""

_BECAUSE = {
    Effect.ERASE: "It erases for good.",
    Effect.SEND: "It sends messages to people.",
}
_MAY_MERGE = (
    "It may merge two people for good if `email` belongs to somebody else. To be asked for those "
    "calls alone, allow the others by an argument rule on `email`."
)


def governance() -> dict[str, Any]:
    """Return a policy for each preset, as plain values in the order of publication."""
    return _whole([_of_preset(preset) for preset in DESCRIPTIONS])


def governance_of(policy: Policy, saved: str) -> dict[str, Any]:
    """Return the rules of one policy, in the layout of `governance`.

    Args:
        policy: The policy.
        saved: The same as a value of `CUSTOMERIO_POLICY`.
    """
    named = {"name": "Customer.io, as chosen", "description": "What the workbench allows."}
    return _whole([{**named, **_rules(policy, saved)}])


def _whole(policies: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "format": 1,
        "source": _SOURCE,
        "note": _NOTE,
        "tool": "CustomerIoTool",
        "unlisted": DENY,
        "policies": policies,
    }


def _of_preset(preset: str) -> dict[str, Any]:
    return {
        "preset": preset,
        "name": f"Customer.io {preset.replace('_', ' ')}",
        "description": DESCRIPTIONS[preset],
        **_rules(Policy.load(preset), preset),
    }


def _rules(policy: Policy, saved: str) -> dict[str, Any]:
    known = all_subtools() if policy.lookups else subtools()
    return {
        "environment": {"CUSTOMERIO_POLICY": saved, "CUSTOMERIO_CONFIRM": "never"},
        "actions": [_rule(subtool, policy) for subtool in known.values()],
    }


def _rule(subtool: Subtool[Any], policy: Policy) -> dict[str, str]:
    named = {"action": subtool.name}
    if not policy.allows(subtool):
        return {**named, "effect": DENY}
    if policy.requires_confirmation(subtool):
        return {**named, "effect": APPROVAL, "because": _BECAUSE[subtool.effect]}
    if policy.may_require_confirmation(subtool):
        return {**named, "effect": APPROVAL, "because": _MAY_MERGE}
    return {**named, "effect": ALLOW}
