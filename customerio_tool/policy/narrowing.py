"""Narrows a policy: what two sides say holds for both, and where they differ, the stricter does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args

from customerio_tool.errors import ConnectionInvalid, Problem
from customerio_tool.policy.policy import PRESETS, Policy
from customerio_tool.policy.recipients import on_both_lists
from customerio_tool.policy.values import AskedEffect, Confirm, Confirmations, read_flag_or_none
from customerio_tool.subtools import all_subtools

_FROM_LAX_TO_STRICT: tuple[Confirm, ...] = ("never", "repeat", "human")


def _stricter_confirm(one: Confirmations, other: Confirmations) -> Confirmations:
    effects: tuple[AskedEffect, ...] = get_args(AskedEffect)
    words = {each: _stricter_word(_word(one, each), _word(other, each)) for each in effects}
    # One word where all effects have the same, as the presets have it.
    return words if len(set(words.values())) > 1 else words[effects[0]]


def _stricter_word(one: Confirm, other: Confirm) -> Confirm:
    return max(one, other, key=_FROM_LAX_TO_STRICT.index)


def _word(confirm: Confirmations, effect: AskedEffect) -> Confirm:
    return confirm if isinstance(confirm, str) else confirm.get(effect, "never")


def _union(one: Collection[str], other: Collection[str]) -> frozenset[str]:
    return frozenset((*one, *other))


def _both(one: Collection[str], other: Collection[str]) -> frozenset[str]:
    return frozenset(one) & frozenset(other)


def _if_given(stricter: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the same for a field whose None sets no limit."""

    def either(one: Any, other: Any) -> Any:
        if one is None or other is None:
            return other if one is None else one
        return stricter(one, other)

    return either


_STRICTER: Mapping[str, Callable[[Any, Any], Any]] = {
    "enabled": _if_given(_both),
    "confirm": _stricter_confirm,
    "lookups": _if_given(lambda one, other: one and other),
    "read_only": lambda one, other: one or other,
    "dry_run": lambda one, other: one or other,
    "event_overrides": lambda one, other: one and other,
    "data_files": lambda one, other: one and other,
    "allowed_recipients": _if_given(on_both_lists),
    "allow_triggers": lambda one, other: one and other,
    "send_budget": _if_given(min),
    "hidden_attributes": _union,
}
"""For each field of a policy: of two values, the one that allows less."""

PRESET_FIELDS = frozenset(field for preset in PRESETS.values() for field in preset)
"""The fields that some preset sets."""


def with_preset(policy: Policy, preset: str) -> Policy:
    """Return a policy that allows only what both it and a preset allow.

    A field that only one of the two sets is as that one sets it. So `open` allows its own things
    where the policy does not speak of them, and lifts nothing that the policy forbids.

    Raises:
        KeyError: There is no preset of that name.
    """
    wanted = {field: getattr(policy, field) for field in policy.model_fields_set}
    for field, value in PRESETS[preset].items():
        wanted[field] = _STRICTER[field](wanted[field], value) if field in wanted else value
    return Policy.model_validate(wanted)


def with_only(policy: Policy, names: Collection[str]) -> Policy:
    """Return a policy that enables, of the subtools that it enabled, only the named ones."""
    enabled = all_subtools() if policy.enabled is None else policy.enabled
    return policy.only(name for name in enabled if name in names)


def with_switch(policy: Policy, lookups: object) -> Policy:
    """Return a policy with the look-ups on or off, as a switch beside it says.

    Args:
        policy: The policy; where it keeps the look-ups off, they stay off.
        lookups: A boolean, as such or as text; None leaves the policy as it is.

    Raises:
        ConnectionInvalid: The switch is neither true nor false.
    """
    try:
        wanted = read_flag_or_none(lookups)
    except Problem as problem:
        field = problem.of("lookups")
    else:
        both = _STRICTER["lookups"](policy.lookups, wanted)
        return policy if lookups is None else policy.model_copy(update={"lookups": both})
    raise ConnectionInvalid(f"The look-ups cannot be switched. {field}.", fields=[field])


def narrowed(policy: Policy, wanted: Policy) -> Policy:
    """Return a policy that allows only what both of these allow."""
    fields = {
        name: stricter(getattr(policy, name), getattr(wanted, name))
        for name, stricter in _STRICTER.items()
    }
    # `allow_triggers` speaks of an allow-list: where one side has none, the other's word counts.
    listed = [each for each in (policy, wanted) if each.allowed_recipients is not None]
    if len(listed) == 1:
        fields["allow_triggers"] = listed[0].allow_triggers
    return Policy.model_validate(fields)
