"""A call is confirmed by a person at the host, or looked at twice; no argument approves it."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from customerio_tool import CallContext, CustomerIoTool, Policy
from customerio_tool.backends import Backends
from customerio_tool.backends.approvals import LIFE_SECONDS, Approvals
from customerio_tool.calls.confirmation import nobody_can_approve
from customerio_tool.connection import Connection
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.clients import EMAIL, SAVED_US, AnyPace, code_of, example_of

NOW = 1_795_435_200.0
ASKED = [name for name, subtool in subtools().items() if subtool.effect.word in ("erase", "send")]
FREE = [name for name in subtools() if name not in ASKED]
DELETE = {"customer_id": "u1"}


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def made(
    saved: Any,
    confirm: str,
    time: Time | None = None,
    approvals: Approvals | None = None,
    **policy: Any,
) -> CustomerIoTool:
    clock = Clock(now=time or Time(), entropy=bytes)
    backends = Backends(approvals=approvals or Approvals(), limiter=AnyPace())
    return CustomerIoTool(
        saved, policy={"confirm": confirm, **policy}, backends=backends, clock=clock
    )


@pytest.fixture
def vendor(net: responses.RequestsMock) -> responses.RequestsMock:
    """A Customer.io that accepts whatever comes."""
    for method in ("GET", "POST", "PUT", "DELETE"):
        net.add(method, re.compile("https://"), json={})
    return net


def written(net: responses.RequestsMock) -> int:
    """Return how many requests were no reads: what erases is read before a person is asked."""
    return sum(call.request.method != "GET" for call in net.calls)


def posts(sandbox: Sandbox) -> list[str]:
    return [each["path"] for each in sandbox.requests() if each["method"] != "GET"]


# A person


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
    approvals = Approvals()
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


def token_of(tool: CustomerIoTool, name: str, arguments: Any) -> str:
    result = tool.call(name, arguments)
    assert code_of(result) == "confirmation_required"
    return str(result["confirmation_token"])


@pytest.mark.parametrize("name", ASKED)
def test_the_same_call_with_its_token_runs(vendor: responses.RequestsMock, name: str) -> None:
    with made(SAVED_US, "repeat") as tool:
        arguments = example_of(name)
        token = token_of(tool, name, arguments)
        as_text = json.dumps({"confirmation_token": token, **arguments})
        assert tool.call(name, as_text)["ok"], "neither order nor spelling matters"


def test_the_token_is_not_sent(sandbox: Sandbox) -> None:
    with made(sandbox.connection(), "repeat") as tool:
        token = token_of(tool, "send_transactional_email", EMAIL)
        sent = tool.call("send_transactional_email", {**EMAIL, "confirmation_token": token})
    assert sent["ok"]
    assert posts(sandbox) == ["/v1/send/email"]
    assert token not in json.dumps(sandbox.state())


def test_it_is_called_a_second_look_and_no_consent(net: responses.RequestsMock) -> None:
    with made(SAVED_US, "repeat") as tool:
        result = tool.call("delete_customer", DELETE)
    assert "second look and no consent" in result["summary"]


def test_the_next_step_is_the_repeat_that_the_sentence_asks_for(
    net: responses.RequestsMock,
) -> None:
    with made(SAVED_US, "repeat") as tool:
        result = tool.call("delete_customer", DELETE)
    assert "repeat the same call" in result["summary"]
    assert result["error"]["next_step"] == "fix_arguments"


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "eve@evil.example"},
        {"customer_id": "u2"},
        {"message_data": {"a": 1}},
        {"idempotency_key": "another"},
    ],
)
def test_a_token_of_other_arguments_is_answered_with_a_fresh_one(
    net: responses.RequestsMock, changed: dict[str, Any]
) -> None:
    with made(SAVED_US, "repeat") as tool:
        token = token_of(tool, "send_transactional_email", EMAIL)
        other = {**EMAIL, **changed}
        result = tool.call("send_transactional_email", {**other, "confirmation_token": token})
        assert code_of(result) == "confirmation_required"
        assert "not of this call" in result["summary"]
        assert result["confirmation_token"] != token
    assert written(net) == 0


def test_a_token_of_another_subtool_does_not_count(net: responses.RequestsMock) -> None:
    with made(SAVED_US, "repeat") as tool:
        token = token_of(tool, "suppress_customer", DELETE)
        result = tool.call("delete_customer", {**DELETE, "confirmation_token": token})
        assert code_of(result) == "confirmation_required"
    assert written(net) == 0


def test_a_token_counts_for_ten_minutes(vendor: responses.RequestsMock, time: Time) -> None:
    with made(SAVED_US, "repeat", time) as tool:
        confirmed = {**DELETE, "confirmation_token": token_of(tool, "delete_customer", DELETE)}
        time.now += LIFE_SECONDS - 1
        assert tool.call("delete_customer", confirmed)["ok"]
        time.now += 1
        assert code_of(tool.call("delete_customer", confirmed)) == "confirmation_required"


def test_a_token_cannot_be_given_a_longer_life(net: responses.RequestsMock, time: Time) -> None:
    with made(SAVED_US, "repeat", time) as tool:
        end, mac = token_of(tool, "delete_customer", DELETE).split("-")
        longer = f"{int(end) + 60}-{mac}"
        result = tool.call("delete_customer", {**DELETE, "confirmation_token": longer})
        assert code_of(result) == "confirmation_required"
    assert written(net) == 0


@given(st.text() | st.from_regex(r"[0-9]{1,13}-[0-9a-f]{32}", fullmatch=True))
def test_no_made_up_token_counts(token: str) -> None:
    with responses.RequestsMock() as net, made(SAVED_US, "repeat") as tool:
        result = tool.call("delete_customer", {**DELETE, "confirmation_token": token})
        assert code_of(result) in ("confirmation_required", "arguments_invalid")
        assert written(net) == 0


@pytest.mark.parametrize("token", [7, True, ["x"], {"a": 1}])
def test_a_token_that_is_no_text_is_refused(net: responses.RequestsMock, token: Any) -> None:
    with made(SAVED_US, "repeat") as tool:
        result = tool.call("delete_customer", {**DELETE, "confirmation_token": token})
    assert [field["path"] for field in result["error"]["fields"]] == ["confirmation_token"]


def test_every_worker_takes_the_token_of_another_and_no_other_workspace_does(
    vendor: responses.RequestsMock,
) -> None:
    other_keys = {**SAVED_US, "app_api_key": "app-00000000"}
    with (
        made(SAVED_US, "repeat") as one,
        made(SAVED_US, "repeat") as two,
    ):
        confirmed = {**DELETE, "confirmation_token": token_of(one, "delete_customer", DELETE)}
        assert two.call("delete_customer", confirmed)["ok"]
    with made(other_keys, "repeat") as stranger:
        assert code_of(stranger.call("delete_customer", confirmed)) == "confirmation_required"


def test_only_that_policy_declares_the_token(net: responses.RequestsMock) -> None:
    for confirm in ("never", "human", "repeat"):
        with made(SAVED_US, confirm) as tool:
            for definition in tool.definitions():
                properties = definition["input_schema"]["properties"]
                may_ask = definition["name"] in ASKED or subtools()[definition["name"]].target
                declared = confirm == "repeat" and bool(may_ask)
                assert ("confirmation_token" in properties) is declared
                assert "confirmation_token" not in definition["input_schema"].get("required", [])
    assert "confirmation_token" not in json.dumps(subtools()["delete_customer"].definition())


@pytest.mark.parametrize("confirm", ["never", "human"])
def test_a_token_is_no_argument_under_another_policy(
    net: responses.RequestsMock, confirm: str
) -> None:
    with made(SAVED_US, confirm) as tool:
        result = tool.call("delete_customer", {**DELETE, "confirmation_token": "x"})
    assert code_of(result) == "arguments_invalid"


def test_the_careful_preset_asks_a_person(net: responses.RequestsMock) -> None:
    with CustomerIoTool(SAVED_US, policy=Policy.careful()) as tool:
        assert "confirmation_id" in tool.call("delete_customer", DELETE)
