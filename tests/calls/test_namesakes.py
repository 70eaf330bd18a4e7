"""After a lost create, a segment of the same name is never told as created by the call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.sandbox import Clock, Sandbox
from tests.support.clients import code_of
from tests.support.retries import NOW, SkippingClock, Tries, tool_on

CREATE, NAME = "create_manual_segment", "Launch"
UNAPPLIED, APPLIED = "reset_before_applying", "reset_after_applying"
SKEW = 240


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=Clock(frozen_at=NOW)) as running:
        yield running


@pytest.fixture
def tool(sandbox: Sandbox, clock: SkippingClock, tries: Tries) -> Iterator[CustomerIoTool]:
    with tool_on(clock, sandbox.connection(), tries) as made:
        yield made


def creates(sandbox: Sandbox) -> int:
    return [each["operation"] for each in sandbox.requests()].count("create_segment")


def namesake(sandbox: Sandbox, seconds_before: float, name: str = NAME) -> int:
    """Let somebody else create a segment; returns its number."""
    sandbox.clock.set(NOW - seconds_before)
    sandbox.seed({"segments": [{"name": name}]})
    sandbox.clock.set(NOW)
    return int(sandbox.state()["segments"][-1]["id"])


def assert_only_possible(result: dict[str, Any], *numbers: int) -> None:
    """Check that a result claims nothing, names these segments, and says how to look."""
    assert (code_of(result), result["error"]["took_effect"]) == ("outcome_unknown", "unknown")
    assert result["error"]["next_step"] == "look_first"
    assert "segment_id" not in result
    assert "reated segment" not in result["summary"]
    assert all(f"segment {number} of this name" in result["possibly"] for number in numbers)
    assert "possibly by this call" in result["possibly"]


@pytest.mark.parametrize("seconds_before", [0, 1, 120, 299, -120])
def test_one_that_was_there_before_is_not_created(
    sandbox: Sandbox, tool: CustomerIoTool, seconds_before: float
) -> None:
    number = namesake(sandbox, seconds_before)
    sandbox.fault(operation="create_segment", action=UNAPPLIED)
    assert_only_possible(tool.call(CREATE, {"name": NAME}), number)
    assert creates(sandbox) == 1


def test_one_that_the_same_agent_made_just_before_is_not_created_again(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    first = tool.run(CREATE, {"name": NAME})["segment_id"]
    sandbox.fault(operation="create_segment", action=UNAPPLIED, times=1)
    assert_only_possible(tool.call(CREATE, {"name": NAME}), first)
    assert [each["id"] for each in sandbox.state()["segments"]].count(first) == 1


@pytest.mark.parametrize("action", [UNAPPLIED, APPLIED])
def test_one_that_somebody_makes_in_between_is_not_created(
    sandbox: Sandbox, tool: CustomerIoTool, action: str
) -> None:
    sandbox.fault(operation="create_segment", action=action)
    sandbox.fault(operation="list_segments", status=503, times=1)

    theirs: list[int] = []

    def meanwhile(_sentence: str) -> None:
        if not theirs:
            theirs.append(namesake(sandbox, 0))

    result = tool.call(CREATE, {"name": NAME}, context=CallContext(on_progress=meanwhile))
    assert_only_possible(result, *theirs)
    assert theirs
    assert creates(sandbox) == 1


def test_all_that_may_be_meant_are_named(sandbox: Sandbox, tool: CustomerIoTool) -> None:
    before = namesake(sandbox, 60)
    sandbox.fault(operation="create_segment", action=APPLIED)
    result = tool.call(CREATE, {"name": NAME})
    assert_only_possible(result, before, before + 1)
    assert "one of them possibly by this call" in result["possibly"]


@pytest.mark.parametrize("ahead", [-SKEW, SKEW])
def test_clocks_that_differ_hide_none(sandbox: Sandbox, tool: CustomerIoTool, ahead: float) -> None:
    sandbox.clock.set(NOW + ahead)
    sandbox.fault(operation="create_segment", action=APPLIED)
    result = tool.call(CREATE, {"name": NAME})
    assert_only_possible(result, sandbox.state()["segments"][-1]["id"])
    assert creates(sandbox) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"name": f" {NAME.upper()} "},
        {"name": "La\u200bunch"},
        {"created_at": None},
        {"created_at": "2026-11-23T12:00:00Z"},
        {"created_at": 10**15},
        {"type": None},
        {"id": "4"},
    ],
    ids=str,
)
def test_one_that_may_be_meant_stops_a_second_create(
    sandbox: Sandbox, tool: CustomerIoTool, odd: dict[str, Any]
) -> None:
    listed = {"id": 4, "name": NAME, "type": "manual", "created_at": int(NOW), **odd}
    sandbox.fault(operation="create_segment", action=UNAPPLIED)
    sandbox.fault(operation="list_segments", body={"segments": [listed]})
    result = tool.call(CREATE, {"name": NAME})
    assert code_of(result) == "outcome_unknown"
    assert "possibly by this call" in result["possibly"]
    assert creates(sandbox) == 1


@pytest.mark.parametrize(
    "other",
    [{"name": "Launches"}, {"type": "dynamic"}, {"created_at": int(NOW) - 301}],
    ids=str,
)
def test_one_that_cannot_be_meant_lets_the_create_be_tried_once_more(
    sandbox: Sandbox, tool: CustomerIoTool, other: dict[str, Any]
) -> None:
    listed = {"id": 4, "name": NAME, "type": "manual", "created_at": int(NOW), **other}
    sandbox.fault(operation="create_segment", action=UNAPPLIED, times=1)
    sandbox.fault(operation="list_segments", body={"segments": [listed]})
    result = tool.call(CREATE, {"name": NAME})
    assert result["segment_id"] == sandbox.state()["segments"][-1]["id"]
    assert creates(sandbox) == 2


@pytest.mark.parametrize("name", ["e", "Größe > L"])
def test_the_look_shows_the_segment_among_many(
    sandbox: Sandbox, tool: CustomerIoTool, name: str
) -> None:
    sandbox.seed({"segments": [{"name": f"{name} {n}"} for n in range(120)]})
    sandbox.fault(operation="create_segment", action=APPLIED)
    look = tool.call(CREATE, {"name": name})["error"]["look"]
    shown = tool.run(look["subtool"], look["arguments"])["segments"]
    assert sandbox.state()["segments"][-1]["id"] in [each["id"] for each in shown]


# What an answer to the create itself shows


@pytest.mark.parametrize(
    ("answered", "number"),
    [
        ({"name": "Another"}, None),
        ({"name": None}, None),
        ({"created_at": int(NOW) - 301}, 4),
    ],
    ids=str,
)
def test_an_answer_with_a_segment_that_is_no_new_one_is_not_called_created(
    sandbox: Sandbox, tool: CustomerIoTool, answered: dict[str, Any], number: int | None
) -> None:
    segment = {"id": 4, "name": NAME, "type": "manual", "created_at": int(NOW), **answered}
    sandbox.fault(operation="create_segment", body={"segment": segment})
    result = tool.call(CREATE, {"name": NAME})
    assert (result["outcome"], result["segment_id"]) == ("accepted", number)
    assert "Created" not in result["summary"]


@pytest.mark.parametrize("answered", [{"name": f" {NAME} "}, {"created_at": int(NOW) - SKEW}])
def test_an_answer_with_the_new_segment_is_called_created(
    sandbox: Sandbox, tool: CustomerIoTool, answered: dict[str, Any]
) -> None:
    segment = {"id": 4, "name": NAME, "type": "manual", "created_at": int(NOW), **answered}
    sandbox.fault(operation="create_segment", body={"segment": segment})
    assert "Created segment 4, empty." in tool.call(CREATE, {"name": NAME})["summary"]
