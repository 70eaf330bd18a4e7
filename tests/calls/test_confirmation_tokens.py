"""A call that the model must ask for twice: a second look, and no consent."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool
from customerio_tool.backends.approvals.waiting import LIFE_SECONDS
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.clients import EMAIL, SAVED_US, code_of, example_of
from tests.support.confirming import ASKED, DELETE, Time, made, posts, written


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


def test_a_token_serves_one_call_and_the_next_is_told_so(vendor: responses.RequestsMock) -> None:
    with made(SAVED_US, "repeat") as tool:
        confirmed = {**DELETE, "confirmation_token": token_of(tool, "delete_customer", DELETE)}
        assert tool.call("delete_customer", confirmed)["ok"]
        again = tool.call("delete_customer", confirmed)
    assert code_of(again) == "confirmation_required"
    assert "has served a call already" in again["summary"]
    assert written(vendor) == 1


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
