"""Two sides speak of a policy: what both allow is allowed, and neither lifts the other's no."""

from __future__ import annotations

from itertools import product
from typing import Any, get_args

import pytest

from customerio_tool import Policy
from customerio_tool.policy.narrowing import with_only, with_preset
from customerio_tool.policy.policy import PRESETS
from customerio_tool.policy.values import Confirm
from customerio_tool.subtools import subtools

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
