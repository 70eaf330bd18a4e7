"""After a lost answer the look that the error names finds the message among many others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import Backends, CallContext, Clock, CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.clock import Clock as ServerClock
from customerio_tool.subtools import subtools
from tests.support.clients import EMAIL, AnyPace, code_of

MAIL, PUSH = "send_transactional_email", "send_transactional_push"
OTHERS = 40
SKEW = 280
PUSHED = {"customer_id": "u1", "transactional_message_id": "order_shipped"}
BROADCAST = {"broadcast_id": 30, "audience": "default"}
HIDDEN: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a mail": (MAIL, EMAIL, {}),
    "a mail by address": (MAIL, {**EMAIL, "customer_id": "ada@example.com"}, {}),
    "a push": (PUSH, PUSHED, {}),
    "a draft": (MAIL, {**EMAIL, "queue_draft": True}, {"queue_draft": True}),
    "a broadcast": ("trigger_broadcast", BROADCAST, {}),
}
ANOTHER_RUN = CallContext(run_id="another")
"""In the run of a lost send, its doubt would keep others back."""


@pytest.fixture(params=[-SKEW, 0, SKEW], ids="server {}s ahead".format)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A local Customer.io whose clock differs from ours."""
    with Sandbox(clock=ServerClock(lambda: time.time() + request.param)) as running:
        yield running


@pytest.fixture
def tool(sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    clock = Clock(sleep=lambda _: None)
    backends = Backends(limiter=AnyPace())
    with CustomerIoTool(sandbox.connection(), backends=backends, clock=clock) as made:
        yield made


def lose(sandbox: Sandbox, tool: CustomerIoTool, name: str, arguments: Any) -> dict[str, Any]:
    """Make a call whose answer is lost after the server applied it."""
    sandbox.fault(action="reset_after_applying", method="POST", times=1)
    result = tool.call(name, arguments)
    assert code_of(result) == "outcome_unknown"
    return result


def look(tool: CustomerIoTool, result: dict[str, Any]) -> dict[str, Any]:
    """Make the call that an error names."""
    called = result["error"]["look"]
    return tool.call(called["subtool"], called["arguments"])


def ids(result: dict[str, Any]) -> list[str]:
    return [message["id"] for message in result["messages"]]


@pytest.mark.parametrize(
    "to_whom",
    [{"customer_id": "u3", "to": "zoë@example.com"}, {"customer_id": "u1"}],
    ids=["others", "the same person"],
)
def test_forty_later_mails_do_not_hide_the_lost_one(
    sandbox: Sandbox, tool: CustomerIoTool, to_whom: dict[str, str]
) -> None:
    lost = lose(sandbox, tool, MAIL, EMAIL)
    sent = sandbox.state()["deliveries"][-1]["id"]
    for number in range(OTHERS):
        mail = {**EMAIL, **to_whom, "message_data": {"n": number}}
        assert tool.call(MAIL, mail, context=ANOTHER_RUN)["ok"]
    assert sent in ids(look(tool, lost))


@pytest.mark.parametrize(("name", "arguments", "others"), HIDDEN.values(), ids=HIDDEN)
def test_forty_later_ones_hide_no_lost_send_nor_its_repeats_look(
    sandbox: Sandbox,
    tool: CustomerIoTool,
    name: str,
    arguments: dict[str, Any],
    others: dict[str, Any],
) -> None:
    lost = lose(sandbox, tool, name, arguments)
    sent = {each["id"] for each in sandbox.state()["deliveries"][-1:]}
    for number in range(OTHERS):
        mail = {**EMAIL, **others, "message_data": {"n": number}}
        assert tool.call(MAIL, mail, context=ANOTHER_RUN)["ok"]
    repeat = tool.call(name, arguments)
    assert repeat["error"]["look"] == lost["error"]["look"]
    assert sent <= set(ids(look(tool, lost)))


def test_the_trigger_of_a_lost_broadcast_is_told_whatever_the_clocks_say(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    lost = lose(sandbox, tool, "trigger_broadcast", BROADCAST)
    number = sandbox.state()["triggers"][-1]["id"]
    assert f"rigger {number} started at" in lost["possibly"]
    assert "possibly by this call" in lost["possibly"]


def test_an_empty_look_does_not_show_that_nothing_was_sent(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    sandbox.fault(action="reset_before_applying", method="POST", times=1)
    lost = tool.call(MAIL, EMAIL)
    shown = look(tool, lost)
    assert shown["messages"] == []
    assert "may not be listed yet" in shown["summary"]


@pytest.mark.parametrize("name", [MAIL, PUSH, "trigger_broadcast"])
@pytest.mark.parametrize("gap", [-240, 240])
def test_the_window_of_each_look_allows_for_clocks_that_differ(
    sandbox: Sandbox, tool: CustomerIoTool, name: str, gap: int
) -> None:
    sandbox.fault(action="reset_after_applying", method="POST", times=1)
    arguments = subtools()[name].examples[0].arguments
    looked = tool.call(name, arguments)["error"]["look"]["arguments"]
    args = subtools()["list_messages"].parse(looked)
    assert args.start_time <= time.time() + gap
    assert args.end_time is None


def test_the_look_for_a_push_lists_pushes_alone(sandbox: Sandbox, tool: CustomerIoTool) -> None:
    tool.run(MAIL, EMAIL)
    lost = lose(
        sandbox, tool, PUSH, {"customer_id": "u1", "transactional_message_id": "order_shipped"}
    )
    assert [each["type"] for each in look(tool, lost)["messages"]] == ["push"]


def test_the_look_for_a_draft_lists_drafts(sandbox: Sandbox, tool: CustomerIoTool) -> None:
    lost = lose(sandbox, tool, MAIL, {**EMAIL, "queue_draft": True})
    assert ids(look(tool, lost)) == [sandbox.state()["deliveries"][-1]["id"]]


def test_the_look_for_a_broadcast_lists_its_messages_alone(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    lost = lose(sandbox, tool, "trigger_broadcast", {"broadcast_id": 30, "audience": "default"})
    for number in range(OTHERS):
        tool.run(MAIL, {**EMAIL, "message_data": {"n": number}})
    found = look(tool, lost)["messages"]
    assert {message["broadcast_id"] for message in found} == {30}


def test_an_accepted_broadcast_is_verified_by_its_trigger(tool: CustomerIoTool) -> None:
    result = tool.run("trigger_broadcast", {"broadcast_id": 30, "audience": "default"})
    arguments = result["verify"]["arguments"]
    assert (arguments["campaign_id"], arguments["trigger_id"]) == (30, result["trigger_id"])
    assert {each["broadcast_id"] for each in tool.run("list_messages", arguments)["messages"]} == {
        30
    }


def test_a_page_that_is_not_the_last_proves_no_absence(tool: CustomerIoTool) -> None:
    summary = str(tool.run("list_messages", {"limit": 1})["summary"])
    assert "not on this page" in summary
