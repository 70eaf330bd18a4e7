"""A redirect is the answer of another place, or the result of a write: each effect is told so."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Effect
from tests.support.clients import example_of
from tests.support.retries import SkippingClock, Tries, tool_on

NAMES = list(subtools())
MAY_FOLLOW_A_WRITE = (300, 301, 302, 303, 304, 305)
ELSEWHERE = (307, 308)
ONCE = (Effect.CREATE, Effect.SEND)


def called(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries, name: str, status: int
) -> dict[str, Any]:
    method = subtools()[name].endpoint.method
    sandbox.fault(
        method=method, status=status, headers={"Location": "https://login.example/"}, apply=False
    )
    with tool_on(clock, sandbox.connection(), tries, policy="open") as tool:
        result = tool.call(name, example_of(name))
        clock.skip(20)  # so that the pace of broadcasts has a slot
        repeated = tool.call(name, example_of(name))
    assert result["error"]["http_status"] == status
    assert repeated["error"]["took_effect"] == result["error"]["took_effect"]
    return result


def own_tries(tries: Tries, name: str) -> int:
    return tries.made.count((subtools()[name].endpoint.method, subtools()[name].endpoint.path))


@pytest.mark.parametrize("status", [*MAY_FOLLOW_A_WRITE, *ELSEWHERE])
@pytest.mark.parametrize("name", NAMES)
def test_a_redirect_leaves_open_what_it_may_follow(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries, name: str, status: int
) -> None:
    error = called(sandbox, clock, tries, name, status)["error"]
    effect = subtools()[name].effect
    is_open = status in MAY_FOLLOW_A_WRITE and effect is not Effect.READ
    assert error["took_effect"] == ("unknown" if is_open else "no")
    if is_open and effect in ONCE:
        assert (error["code"], error["next_step"]) == ("outcome_unknown", "look_first")
        assert error["look"]["subtool"] in subtools()
    else:
        assert (error["code"], error["next_step"]) == ("credentials_rejected", "ask_user")
    # A send in doubt is not sent again; nothing else is tried twice within one call.
    assert own_tries(tries, name) == (1 if is_open and effect is Effect.SEND else 2)


@pytest.mark.parametrize("status", MAY_FOLLOW_A_WRITE)
def test_a_redirect_after_a_mail_was_accepted_does_not_lead_to_a_second_one(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries, status: int
) -> None:
    sandbox.fault(operation="send_email", status=status, apply=True, times=1)
    with tool_on(clock, sandbox.connection(), tries) as tool:
        name = "send_transactional_email"
        codes = [tool.call(name, example_of(name))["error"]["code"] for _ in range(2)]
    assert codes == ["outcome_unknown"] * 2
    assert len(sandbox.requests()) == 1


@pytest.mark.parametrize("status", ELSEWHERE)
def test_a_mail_that_was_sent_elsewhere_by_its_answer_can_be_sent_again(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries, status: int
) -> None:
    sandbox.fault(operation="send_email", status=status, times=1)
    with tool_on(clock, sandbox.connection(), tries) as tool:
        name = "send_transactional_email"
        first, again = (tool.call(name, example_of(name)) for _ in range(2))
    assert (first["ok"], again["ok"]) == (False, True)


def test_no_sentence_says_more_of_a_redirect_than_is_known(sandbox: Sandbox) -> None:
    sandbox.fault(status=302)
    with CustomerIoTool(sandbox.connection()) as tool:
        summary = tool.call("list_segments", {})["summary"]
    assert "region" in summary
    assert "which means" not in summary
