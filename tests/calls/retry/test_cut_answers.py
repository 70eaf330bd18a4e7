"""An answer whose body is cut off: its status still tells what became of a write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from customerio_tool.sandbox import Sandbox
from tests.support.clients import SAVED
from tests.support.loopback import Loopback, Script, says
from tests.support.retries import (
    BROADCAST_CALL,
    CREATE_CALL,
    LIST_CALL,
    MAIL_CALL,
    PERSON_CALL,
    Call,
    SkippingClock,
    Tries,
    tool_on,
)

WRITES = {
    "send_email": (MAIL_CALL, {"delivery_id": None}),
    "trigger_broadcast": (BROADCAST_CALL, {"trigger_id": None}),
    "create_segment": (CREATE_CALL, {"segment_id": None}),
}


def replied(tries: Tries, call: tuple[str, Mapping[str, Any]], *scripts: Script) -> dict[str, Any]:
    """Return the result of a call that a server of these scripts answers."""
    with Loopback(scripts) as server:
        own = {**SAVED, "track_url": server.url, "app_url": server.url}
        with tool_on(SkippingClock(), own, tries) as tool:
            return tool.call(*call)


def cut(status: str, came: str = "") -> Script:
    return says(f"HTTP/1.1 {status}\r\nContent-Length: 1000\r\n\r\n{came}".encode())


@pytest.mark.parametrize("operation", WRITES)
def test_a_write_whose_2xx_is_cut_off_was_accepted_and_its_id_is_not_known(
    sandbox: Sandbox, local: Call, tries: Tries, operation: str
) -> None:
    call, unknown = WRITES[operation]
    sandbox.fault(operation=operation, action="cut_body", times=1)
    result = local(call)
    assert result["outcome"] == "accepted"
    assert result.items() >= unknown.items()
    assert len(tries.made) == 1


def test_a_message_whose_2xx_was_cut_off_is_not_sent_again(sandbox: Sandbox, local: Call) -> None:
    sandbox.fault(operation="send_email", action="cut_body", times=1)
    assert [local(MAIL_CALL)["outcome"] for _ in range(2)] == ["accepted", "already_sent"]


def test_an_id_that_came_before_the_cut_is_kept(tries: Tries) -> None:
    result = replied(tries, MAIL_CALL, cut("200 OK", '{"delivery_id": "dgTwAQ", "queued_at": 5}'))
    assert (result["outcome"], result["delivery_id"]) == ("accepted", "dgTwAQ")


def test_a_message_that_was_refused_was_not_sent_though_the_refusal_is_cut_off(
    tries: Tries,
) -> None:
    error = replied(tries, MAIL_CALL, cut("422 Unprocessable Entity", '{"meta":'))["error"]
    assert (error["code"], error["took_effect"]) == ("request_rejected", "no")


def test_a_message_whose_5xx_is_cut_off_may_have_been_sent(tries: Tries) -> None:
    error = replied(tries, MAIL_CALL, cut("502 Bad Gateway"))["error"]
    assert (error["code"], error["took_effect"]) == ("outcome_unknown", "unknown")
    assert len(tries.made) == 1


def test_a_429_that_is_cut_off_is_a_429(tries: Tries) -> None:
    whole = says(b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"delivery_id": "dg"}')
    result = replied(tries, MAIL_CALL, cut("429 Too Many Requests"), whole)
    assert result["delivery_id"] == "dg"
    assert len(tries.made) == 2


def test_a_read_that_is_cut_off_is_read_again(sandbox: Sandbox, local: Call, tries: Tries) -> None:
    sandbox.fault(operation="list_segments", action="cut_body", times=1)
    assert local(LIST_CALL)["outcome"] == "done"
    assert len(tries.made) == 2


def test_an_attribute_that_is_written_is_not_written_twice_for_a_cut_answer(tries: Tries) -> None:
    assert replied(tries, PERSON_CALL, cut("200 OK"))["outcome"] == "accepted"
    assert len(tries.made) == 1
