"""Two sides speak of a policy: what both allow is allowed, and neither lifts the other's no."""

from __future__ import annotations

from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool import Policy
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.policy.narrowing import narrowed, with_only, with_preset, with_switch
from customerio_tool.policy.policy import PRESETS
from customerio_tool.policy.recipients import recipient_problems
from customerio_tool.policy.values import Confirm
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Reach

STRICTNESS: list[Any] = ["never", "repeat", "human"]


def test_every_way_to_confirm_has_its_place() -> None:
    assert set(STRICTNESS) == set(get_args(Confirm))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_on_nothing_is_the_preset(preset: str) -> None:
    assert with_preset(Policy(), preset) == Policy.load(preset)


@pytest.mark.parametrize("word", STRICTNESS)
def test_the_stricter_way_to_confirm_holds(word: Any) -> None:
    assert with_preset(Policy(confirm=word), "careful").confirm == "human"
    assert with_preset(Policy(confirm=word), "open").confirm == word


@pytest.mark.parametrize(
    ("own", "preset", "both"),
    [
        ({"erase": "human"}, "open", {"erase": "human", "send": "never"}),
        ({"erase": "human", "send": "repeat"}, "open", {"erase": "human", "send": "repeat"}),
        ({"erase": "human", "send": "never"}, "careful", "human"),
    ],
)
def test_for_each_effect_the_stricter_way_holds(own: Any, preset: str, both: Any) -> None:
    changed = with_preset(Policy(confirm=own), preset)
    for subtool in subtools().values():
        assert changed.confirm_for(subtool) == Policy(confirm=both).confirm_for(subtool)


@pytest.mark.parametrize("field", ["event_overrides", "data_files"])
def test_open_lifts_nothing_that_is_forbidden(field: str) -> None:
    assert getattr(with_preset(Policy(**{field: False}), "open"), field) is False
    assert getattr(with_preset(Policy(), "open"), field) is True


@pytest.mark.parametrize("field", ["event_overrides", "data_files"])
@pytest.mark.parametrize("named", ["careful", "read_only"])
def test_open_lifts_nothing_that_a_named_preset_forbids(named: str, field: str) -> None:
    environment = {"CUSTOMERIO_POLICY": named}
    assert getattr(with_preset(Policy.from_env(environment), "open"), field) is False
    own = {**environment, f"CUSTOMERIO_{field.upper()}": "true"}
    assert getattr(with_preset(Policy.from_env(own), "open"), field) is True


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_lifts_read_only(preset: str) -> None:
    assert with_preset(Policy.reads(), preset).read_only
    assert with_preset(Policy(read_only=True), preset).read_only


def test_what_a_preset_does_not_speak_of_stays() -> None:
    own = Policy(
        dry_run=True,
        allowed_recipients={"example.com"},
        send_budget=3,
        hidden_attributes={"email"},
        enabled={"list_segments", "track_event"},
    )
    changed = with_preset(own, "careful")
    assert changed == own.model_copy(update={"confirm": "human"})


@pytest.mark.parametrize(("first", "second"), list(product(PRESETS, PRESETS)))
def test_the_order_of_presets_does_not_matter(first: str, second: str) -> None:
    policy = Policy()
    one = with_preset(with_preset(policy, first), second)
    other = with_preset(with_preset(policy, second), first)
    assert one == other


def test_only_takes_away_and_adds_nothing() -> None:
    every = with_only(Policy(), {"list_segments", "track_event"})
    assert every.enabled == {"list_segments", "track_event"}
    less = with_only(every, {"list_segments", "get_segment"})
    assert less.enabled == {"list_segments"}
    assert with_only(Policy(), set(subtools())).enabled == set(subtools())


ENTRIES = ["ada@example.com", "Ada@Example.com", "@example.com", "example.org", "b@example.org"]
ADDRESSES = ["ada@example.com", "c@EXAMPLE.com", "b@example.org", "d@example.net"]
POLICIES = st.builds(
    Policy,
    enabled=st.none() | st.frozensets(st.sampled_from(list(subtools()))),
    read_only=st.booleans(),
    dry_run=st.booleans(),
    allowed_recipients=st.none() | st.frozensets(st.sampled_from(ENTRIES)),
    allow_triggers=st.booleans(),
    send_budget=st.none() | st.integers(0, 3),
    hidden_attributes=st.frozensets(st.sampled_from(["email", "plan"])),
    event_overrides=st.booleans(),
    data_files=st.booleans(),
    confirm=st.sampled_from(STRICTNESS)
    | st.fixed_dictionaries({"erase": st.sampled_from(STRICTNESS)}),
)


def may_reach(policy: Policy, address: str) -> bool:
    allowed = policy.allowed_recipients
    reach = Reach(known=(("to", address),))
    return allowed is None or not recipient_problems(reach, allowed)


@given(POLICIES, POLICIES)
def test_of_two_policies_what_both_allow_is_allowed(one: Policy, other: Policy) -> None:
    both = narrowed(one, other)
    assert both == narrowed(other, one)
    for address in ADDRESSES:
        assert may_reach(both, address) == (may_reach(one, address) and may_reach(other, address))
    lists = (one.allowed_recipients, other.allowed_recipients)
    have_nobody_in_common = both.allowed_recipients == frozenset() and frozenset() not in lists
    # A dry run needs no budget, so what both allow is told of two dry runs where one of them is.
    dry = [each.model_copy(update={"dry_run": both.dry_run}) for each in (one, other)]
    for subtool in subtools().values():
        by_both = all(each.allows(subtool) for each in dry)
        assert both.allows(subtool) == by_both or have_nobody_in_common
        assert not both.allows(subtool) or by_both
        asked = {each.confirm_for(subtool) for each in (one, other)}
        assert both.dry_run or STRICTNESS.index(both.confirm_for(subtool)) >= max(
            map(STRICTNESS.index, asked)
        )
    assert both.hidden_attributes == set(one.hidden_attributes) | set(other.hidden_attributes)


@given(POLICIES)
def test_a_policy_and_itself_or_one_without_rules_are_that_policy(policy: Policy) -> None:
    for other in (policy, Policy.open().model_copy(update={"allow_triggers": True})):
        both = narrowed(policy, other)
        for subtool in subtools().values():
            assert both.allows(subtool) == policy.allows(subtool)
            assert both.confirm_for(subtool) == policy.confirm_for(subtool)
        for field in ("read_only", "dry_run", "send_budget", "event_overrides", "data_files"):
            assert getattr(both, field) == getattr(policy, field)


def test_a_switch_turns_no_look_ups_on_that_the_policy_keeps_off() -> None:
    assert with_switch(Policy(lookups=False), lookups=True).lookups is False
    assert with_switch(Policy(lookups=True), lookups="false").lookups is False
    assert with_switch(Policy(), lookups=True).lookups is True
    assert with_switch(Policy(lookups=False), lookups=None) == Policy(lookups=False)


def test_a_switch_that_is_neither_on_nor_off_is_named() -> None:
    with pytest.raises(ConnectionInvalid, match="lookups") as refused:
        with_switch(Policy(), lookups="perhaps")
    assert [problem.path for problem in refused.value.fields] == ["lookups"]


def test_every_field_of_a_policy_is_narrowed() -> None:
    assert narrowed(Policy(), Policy()).model_fields_set == set(Policy.model_fields)
