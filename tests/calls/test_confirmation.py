"""A call that is confirmed by a person at the host: no argument approves it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from customerio_tool import CallContext, CustomerIoTool, Policy
from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.approvals.waiting import LIFE_SECONDS
from customerio_tool.calls.persons import nobody_can_approve
from customerio_tool.connection import Connection
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.clients import EMAIL, SAVED_US, code_of, example_of
from tests.support.confirming import ASKED, DELETE, FREE, NOW, Time, made, posts, written


@pytest.mark.parametrize("name", ASKED)
def test_what_erases_or_sends_waits_for_a_person(net: responses.RequestsMock, name: str) -> None:
    with made(SAVED_US, "human") as tool:
        result = tool.call(name, example_of(name))
        assert code_of(result) == "confirmation_required"
        assert result["error"]["next_step"] == "ask_user"
        assert result["error"]["took_effect"] == "no"
        assert result["confirmation_id"]
        assert all(str(value) not in result["summary"] for value in example_of(name).values())
        Draft202012Validator(tool.definition(name)["output_schema"]).validate(result)
    assert written(net) == 0


@pytest.mark.parametrize("confirm", ["human", "repeat"])
@pytest.mark.parametrize("name", FREE)
def test_everything_else_goes_at_once(net: responses.RequestsMock, name: str, confirm: str) -> None:
    with made(SAVED_US, confirm, dry_run=True) as tool:
        assert tool.call(name, example_of(name))["ok"]


def test_an_approval_runs_the_very_call_once(sandbox: Sandbox) -> None:
    with made(sandbox.connection(), "human") as tool:
        arguments = dict(EMAIL)
        waiting = tool.call("send_transactional_email", arguments)
        arguments["to"] = "eve@evil.example"
        assert posts(sandbox) == []

        result = tool.approve(waiting["confirmation_id"])
        assert result["outcome"] == "accepted"
        assert posts(sandbox) == ["/v1/send/email"]
        body = json.loads(json.dumps(sandbox.state()))
        assert "eve@evil.example" not in json.dumps(body)

        again = tool.approve(waiting["confirmation_id"])
        assert code_of(again) == "confirmation_unknown"
        assert again["error"]["took_effect"] == "no"
        assert posts(sandbox) == ["/v1/send/email"]


def test_each_waiting_call_is_its_own(sandbox: Sandbox) -> None:
    with made(sandbox.connection(), "human") as tool:
        first = tool.call("suppress_customer", {"customer_id": "u1"})["confirmation_id"]
        second = tool.call("suppress_customer", {"customer_id": "u2"})["confirmation_id"]
        assert first != second
        assert tool.approve(second)["ok"]
    assert posts(sandbox) == ["/api/v1/customers/u2/suppress"]


def test_asking_again_is_the_same_question(net: responses.RequestsMock) -> None:
    with made(SAVED_US, "human") as tool:
        waiting = tool.call("delete_customer", DELETE)["confirmation_id"]
        assert tool.call("delete_customer", json.dumps(DELETE))["confirmation_id"] == waiting
        other_run = tool.call("delete_customer", DELETE, context=CallContext(run_id="b"))
        assert other_run["confirmation_id"] != waiting


def test_a_declined_call_is_gone(net: responses.RequestsMock) -> None:
    with made(SAVED_US, "human") as tool:
        waiting = tool.call("delete_customer", DELETE)["confirmation_id"]
        declined = tool.decline(waiting)
        assert code_of(declined) == "policy_refused"
        assert declined["error"]["next_step"] == "give_up"
        assert code_of(tool.approve(waiting)) == "confirmation_unknown"
        assert code_of(tool.decline(waiting)) == "confirmation_unknown"
    assert written(net) == 0


@pytest.mark.parametrize("unknown", ["", "1", "1-0", "../1", "1-0000000000000000\n", [], None])
def test_an_id_that_was_never_given_approves_nothing(
    net: responses.RequestsMock, unknown: Any
) -> None:
    with made(SAVED_US, "human") as tool:
        tool.call("delete_customer", DELETE)
        assert code_of(tool.approve(unknown)) == "confirmation_unknown"
    assert written(net) == 0


def test_a_call_waits_ten_minutes(vendor: responses.RequestsMock, time: Time) -> None:
    with made(SAVED_US, "human", time) as tool:
        early = tool.call("delete_customer", {"customer_id": "u1"})["confirmation_id"]
        late = tool.call("delete_customer", {"customer_id": "u2"})["confirmation_id"]
        time.now += LIFE_SECONDS - 1
        assert tool.approve(early)["ok"]
        time.now += 1
        assert code_of(tool.approve(late)) == "confirmation_unknown"


def test_an_approved_call_is_of_the_run_that_asked(sandbox: Sandbox, time: Time) -> None:
    with made(sandbox.connection(), "human", time, send_budget=1) as tool:
        run = CallContext(run_id="a")
        ids = [
            tool.call("send_transactional_email", {**EMAIL, "subject": subject}, context=run)[
                "confirmation_id"
            ]
            for subject in ("one", "two")
        ]
        time.now += 300
        assert tool.approve(ids[0])["ok"]
        other = CallContext(run_id="b")
        assert code_of(tool.approve(ids[1], context=other)) == "policy_refused"
    assert posts(sandbox) == ["/v1/send/email"]


def test_an_approval_outlives_the_run_that_asked(sandbox: Sandbox) -> None:
    is_over = False
    run = CallContext(run_id="a", deadline_seconds=0, cancelled=lambda: is_over)
    with made(sandbox.connection(), "human") as tool:
        waiting = tool.call("send_transactional_email", EMAIL, context=run)["confirmation_id"]
        is_over = True
        assert tool.approve(waiting)["outcome"] == "accepted"
    assert posts(sandbox) == ["/v1/send/email"]


def test_the_host_can_cancel_what_it_approved(sandbox: Sandbox) -> None:
    with made(sandbox.connection(), "human") as tool:
        waiting = tool.call("send_transactional_email", EMAIL)["confirmation_id"]
        result = tool.approve(waiting, context=CallContext(cancelled=lambda: True))
    assert code_of(result) == "cancelled"
    assert posts(sandbox) == []


def test_what_was_disabled_meanwhile_stays_refused(net: responses.RequestsMock) -> None:
    with made(SAVED_US, "human") as tool:
        waiting = tool.call("delete_customer", DELETE)["confirmation_id"]
        tool.disable("delete_customer")
        assert code_of(tool.approve(waiting)) == "subtool_disabled"
    assert written(net) == 0


def test_nobody_is_asked_about_a_call_that_cannot_run(net: responses.RequestsMock) -> None:
    with made(SAVED_US, "human", allowed_recipients=["example.org"]) as tool:
        assert code_of(tool.call("send_transactional_email", {})) == "arguments_invalid"
        assert code_of(tool.call("send_transactional_email", EMAIL)) == "policy_refused"
        past = {**EMAIL, "to": "a@example.org", "send_at": "2020-01-01"}
        assert code_of(tool.call("send_transactional_email", past)) == "arguments_invalid"


def test_the_human_door_is_in_no_input_schema(net: responses.RequestsMock) -> None:
    with made(SAVED_US, "human") as tool, made(SAVED_US, "never") as plain:
        for name in subtools():
            assert tool.definition(name)["input_schema"] == plain.definition(name)["input_schema"]


@settings(max_examples=100)
@given(
    st.sampled_from(ASKED),
    st.dictionaries(
        st.sampled_from(
            ["confirmation_id", "confirmation_token", "confirm", "approved", "confirmed", "policy"]
        ),
        st.sampled_from(["1-0000000000000000", "1795435800-" + "0" * 32, "never", True, 1, None]),
    ),
)
def test_no_argument_approves_a_call(name: str, extra: dict[str, Any]) -> None:
    with responses.RequestsMock() as net, made(SAVED_US, "human") as tool:
        waiting = tool.call(name, example_of(name))["confirmation_id"]
        result = tool.call(name, {**example_of(name), **extra, "confirmation_id": waiting})
        assert not result["ok"]
        assert written(net) == 0


def test_two_approvals_at_once_run_the_call_once(sandbox: Sandbox) -> None:
    with made(sandbox.connection(), "human") as tool, ThreadPoolExecutor(8) as pool:
        waiting = tool.call("send_transactional_email", EMAIL)["confirmation_id"]
        results = list(pool.map(tool.approve, [waiting] * 16))
    assert sum(result["ok"] for result in results) == 1
    assert posts(sandbox) == ["/v1/send/email"]


def test_a_waiting_call_shows_nothing_of_a_person(net: responses.RequestsMock) -> None:
    approvals = MemoryApprovals()
    with made(SAVED_US, "human", approvals=approvals) as tool:
        waiting = tool.call("send_transactional_email", EMAIL)["confirmation_id"]
    workspace = Connection.load(SAVED_US).workspace_key
    kept = approvals.take(workspace, waiting, NOW)
    assert kept is not None
    assert "ada@" not in repr(kept)


def test_where_nobody_can_approve_a_call_no_id_is_given() -> None:
    result = nobody_can_approve("delete_customer").as_result()
    assert (code_of(result), result["error"]["took_effect"]) == ("policy_refused", "no")
    assert "delete_customer needs a person's approval" in result["summary"]
    assert "confirmation_id" not in result


# A second look


def test_the_careful_preset_asks_a_person(net: responses.RequestsMock) -> None:
    with CustomerIoTool(SAVED_US, policy=Policy.careful()) as tool:
        assert "confirmation_id" in tool.call("delete_customer", DELETE)


def test_what_is_told_where_nobody_can_approve_names_who_can() -> None:
    assert nobody_can_approve("delete_customer").as_result() == {
        "ok": False,
        "summary": "Nothing was sent: delete_customer needs a person's approval, and nobody could "
        "give it here. A person can make the call at a terminal, where the shell asks. Or the "
        "application keeps such calls where `customerio-tool approvals` and the workbench find "
        "them: it sets CUSTOMERIO_LEDGER_FILE or CUSTOMERIO_REDIS_URL.",
        "error": {"code": "policy_refused", "next_step": "give_up", "took_effect": "no"},
    }
