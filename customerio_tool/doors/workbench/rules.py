"""The rules of a policy as a form: each field with its words, its value and its problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_args

from customerio_tool.policy import Policy
from customerio_tool.policy.narrowing import PRESET_FIELDS, narrowed, with_preset, with_switch
from customerio_tool.policy.policy import PRESETS
from customerio_tool.policy.schema import policy_schema
from customerio_tool.policy.values import AskedEffect, Confirm
from customerio_tool.subtools import all_subtools, lookups

Form: TypeAlias = Mapping[str, Sequence[str]]
"""The fields of a form, each with all its values."""

EFFECTS: Sequence[AskedEffect] = get_args(AskedEffect)
WORDS: Sequence[Confirm] = get_args(Confirm)


@dataclass(frozen=True)
class Rule:
    """One field of a policy.

    Args:
        name: Its name in a policy, and in the form.
        kind: `boolean`, `integer`, `array`, or `confirm`.
        help: What it means.
        value: What it is: true or false, a text, or the word for each effect.
        problem: What is wrong with it, as a sentence; "" if nothing is.
    """

    name: str
    kind: str
    help: str
    value: bool | str | Mapping[str, str] = field(repr=False)
    problem: str = ""

    @property
    def label(self) -> str:
        """Its name for a person."""
        return self.name.replace("_", " ").capitalize()


def rules_of(policy: Policy) -> list[Rule]:
    """Return the rules of a policy, without the enabled subtools, which have switches."""
    return [Rule(*each, _shown(getattr(policy, each[0]), *each[:2])) for each in _declared()]


def rules_typed(form: Form, problems: Mapping[str, str]) -> list[Rule]:
    """Return the rules as a person filled them in, each with its problem."""
    return [
        Rule(*each, _typed(form, each[0], each[1]), problems.get(each[0], ""))
        for each in _declared()
    ]


def policy_in(form: Form, bound: Policy) -> Policy:
    """Return the policy that a form asks for; what it may be is for `within` to say.

    Args:
        form: The fields of the form.
        bound: What the server allows.

    Raises:
        ConnectionInvalid: A rule is wrong; its fields are named as `Policy.load` names them.
    """
    rules = {name: _typed(form, name, kind) for name, kind, _ in _declared()}
    given = {name: value for name, value in rules.items() if value != ""}
    within_bound = with_switch(bound, rules["lookups"] is True)
    offered = {name for name, each in all_subtools().items() if within_bound.allows(each)}
    enabled = offered & set(form.get("enabled", ()))
    if not enabled & lookups().keys():  # they had no switches yet, as they were off
        enabled |= offered & lookups().keys()
    # With all on there is no list, so that a subtool that is new one day is on too.
    return Policy.load({**given, "enabled": None if enabled == offered else sorted(enabled)})


def within(bound: Policy, wanted: Policy, preset: str = "") -> Policy:
    """Return what both the server and a person allow.

    Args:
        bound: What the server allows.
        wanted: What the person allows.
        preset: The preset whose fields take the place of the person's, if one was chosen.

    Raises:
        KeyError: There is no preset of that name.
    """
    if preset:
        chosen = with_preset(bound, preset)
        fields = {name: getattr(chosen, name) for name in PRESET_FIELDS}
        wanted = wanted.model_copy(update=fields)
    return narrowed(bound, wanted)


def preset_of(policy: Policy, bound: Policy) -> str:
    """Return the preset that a policy follows, within what the server allows; "" if it is none."""
    policy = narrowed(bound, policy)
    for name in PRESETS:
        whole = within(bound, policy, name)
        if all(getattr(policy, each) == getattr(whole, each) for each in PRESET_FIELDS):
            return name
    return ""


def _declared() -> Iterator[tuple[str, str, str]]:
    """Yield the name, the kind and the meaning of each field that has a place among the rules."""
    for name, schema in policy_schema()["properties"].items():
        if name in ("preset", "enabled"):
            continue
        kind = "confirm" if name == "confirm" else schema["type"][0]
        yield name, kind, schema["description"]


def _shown(value: Any, name: str, kind: str) -> bool | str | Mapping[str, str]:
    if kind == "confirm":
        words = dict.fromkeys(EFFECTS, value) if isinstance(value, str) else value
        return {each: words.get(each, "never") for each in EFFECTS}
    if kind == "boolean":
        return bool(value)
    if value is None or value == Policy.model_fields[name].default:
        return ""
    if kind == "integer":
        return str(value)
    return ", ".join(sorted(value)) or "[]"  # an empty allow-list allows nobody, a blank one all


def _typed(form: Form, name: str, kind: str) -> bool | str | Mapping[str, str]:
    if kind == "confirm":
        return {each: "".join(form.get(f"{name}.{each}", ("never",))[-1:]) for each in EFFECTS}
    text = "".join(form.get(name, ())[-1:]).strip()
    if kind == "boolean":
        return bool(text) or ("" if Policy.model_fields[name].default is None else False)
    return ", ".join(text.splitlines()) if kind == "array" and not text.startswith("[") else text
