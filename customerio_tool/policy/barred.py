"""Says why a policy never runs a subtool, whatever its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customerio_tool.definitions import lookup_names
from customerio_tool.subtools.declare import Effect, Subtool

if TYPE_CHECKING:
    from customerio_tool.policy.policy import Policy


def lookups_of(policy: Policy) -> frozenset[str]:
    """Return the names of the look-ups that may run under a policy."""
    if not policy.lookups:
        return frozenset()
    names = frozenset(lookup_names())  # they are reads, which nothing else bars
    return names if policy.enabled is None else names & frozenset(policy.enabled)


def barred(subtool: Subtool[Any], policy: Policy) -> str:
    """Return why a policy never runs a subtool, as a sentence; "" if some arguments may pass.

    Whether the policy enables the subtool does not matter here.
    """
    effect, allowed = subtool.effect, policy.allowed_recipients
    if subtool.is_lookup and not policy.lookups:
        return f"The look-ups are off, and {subtool.name} is one."
    if policy.read_only and not effect.read_only:
        return f"This agent may only read, and {subtool.name} writes."
    if allowed is not None and not policy.allow_triggers and subtool.opens_reach:
        return (
            f"This agent may write only to certain recipients, and {subtool.name} "
            f"{subtool.opens_reach}. The operator of this agent can allow that with "
            "allow_triggers in its policy."
        )
    if effect is not Effect.SEND:
        return ""
    if allowed is not None and not allowed:
        return "This agent may write to nobody: its list of allowed recipients is empty."
    if policy.send_budget == 0 and not policy.dry_run:
        return "This agent may send nothing: its budget is 0 sends."
    return ""
