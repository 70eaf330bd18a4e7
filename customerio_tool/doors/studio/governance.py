"""The policies of the studio's own governance: Allow, Human approval or Deny for each subtool.

The words are those of its wizard (https://docs.phinite.ai/governance/tool-policies). The studio
publishes no format for importing a policy, so the layout is this project's own.
"""

from __future__ import annotations

from typing import Any

from customerio_tool.policy import Policy
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Effect, Subtool

ALLOW, APPROVAL, DENY = "Allow", "Human approval", "Deny"

_SOURCE = "https://docs.phinite.ai/governance/tool-policies"
_NOTE = (
    "For the steps Tools and Actions & arguments of the wizard. The studio asks the person, so the "
    "tool must not ask a second time: set the environment variables of the policy beside it. They "
    "keep what the wizard cannot express, and CUSTOMERIO_CONFIRM=never leaves the question to the "
    "studio."
)
_DESCRIPTIONS = {
    "read_only": "Reads Customer.io, and changes and sends nothing.",
    "careful": "A person approves what erases, sends or may merge two people.",
    "open": "Everything may run, and nobody is asked.",
}
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
    return {
        "format": 1,
        "source": _SOURCE,
        "note": _NOTE,
        "tool": "CustomerIoTool",
        "unlisted": DENY,
        "policies": [_policy(preset) for preset in _DESCRIPTIONS],
    }


def _policy(preset: str) -> dict[str, Any]:
    policy = Policy.load(preset)
    rules = [_rule(subtool, policy) for subtool in subtools().values()]
    return {
        "preset": preset,
        "name": f"Customer.io {preset.replace('_', ' ')}",
        "description": _DESCRIPTIONS[preset],
        "environment": {"CUSTOMERIO_POLICY": preset, "CUSTOMERIO_CONFIRM": "never"},
        "actions": rules,
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
