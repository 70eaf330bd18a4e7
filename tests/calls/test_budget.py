"""A run ends at its budget of sends, whatever threads and retries it has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import responses

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.sandbox import Sandbox
from tests.support.clients import EMAIL, code_of
from tests.support.policies import ALLOWED, EVENT, tool_with


def send(tool: CustomerIoTool, run: str | None, number: int = 0) -> dict[str, Any]:
    arguments = {**EMAIL, "message_data": {"number": number}}
    return tool.call("send_transactional_email", arguments, context=CallContext(run_id=run))


def test_a_run_ends_at_its_budget_and_another_has_its_own(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), send_budget=2) as tool:
        assert [send(tool, "a", n)["ok"] for n in range(2)] == [True, True]
        refused = send(tool, "a", 2)
        assert code_of(refused) == "policy_refused"
        assert "2 sends" in refused["summary"]
        assert send(tool, "b", 3)["ok"]
    sent = [each for each in sandbox.requests() if each["method"] == "POST"]
    assert len(sent) == 3


def test_without_a_run_the_tool_is_one(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), send_budget=1) as tool:
        assert send(tool, None, 0)["ok"]
        assert code_of(send(tool, None, 1)) == "policy_refused"
        assert tool.call("track_event", EVENT)["ok"], "only sends are counted"


@pytest.mark.parametrize("blank", ["", " ", "\n", "\u3000", "\u200b", None])
def test_a_blank_run_is_none(sandbox: Sandbox, blank: str | None) -> None:
    with tool_with(sandbox.connection(), send_budget=1) as tool:
        assert send(tool, None, 0)["ok"]
        refused = send(tool, blank, 1)
        assert code_of(refused) == "policy_refused"
        assert "whose run the host did not name" in refused["summary"]


def test_a_budget_of_nothing_sends_nothing(net: responses.RequestsMock) -> None:
    with tool_with(send_budget=0) as tool:
        assert "0 sends" in send(tool, "a")["summary"]
    assert len(net.calls) == 0


def test_a_call_that_is_refused_or_rehearsed_costs_nothing(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), send_budget=1, allowed_recipients=ALLOWED) as tool:
        tool.call("send_transactional_email", {})
        tool.call("send_transactional_email", {**EMAIL, "to": "eve@evil.example"})
        tool.call("send_transactional_email", {**EMAIL, "transactional_message_id": "999"})
        assert send(tool, None)["ok"]
    with tool_with(sandbox.connection(), send_budget=1, dry_run=True) as tool:
        assert [send(tool, None)["ok"] for _ in range(3)] == [True] * 3


def test_a_send_whose_outcome_is_unknown_counts(net: responses.RequestsMock) -> None:
    net.post("https://api.customer.io/v1/send/email", status=500)
    net.assert_all_requests_are_fired = False
    with tool_with(send_budget=1) as tool:
        assert code_of(send(tool, "a")) == "outcome_unknown"
        to_another = {**EMAIL, "to": "zoë@example.com", "customer_id": "u3"}
        run = CallContext(run_id="a")
        refused = tool.call("send_transactional_email", to_another, context=run)
        assert code_of(refused) == "policy_refused"
    assert len(net.calls) == 1


def test_threads_of_one_run_share_its_budget(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), send_budget=5) as tool, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: send(tool, "a", n), range(24)))
    assert sum(result["ok"] for result in results) == 5
    assert len([each for each in sandbox.requests() if each["method"] == "POST"]) == 5
