"""An operator chooses per effect what comes before a call: erasing may ask, and sending may not."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import Policy
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.clients import EMAIL, code_of
from tests.support.confirming import DELETE, made, posts

ERASE_ASKS = {"erase": "human", "send": "never"}
WAYS: list[Any] = [
    ERASE_ASKS,
    {"erase": "human"},
    '{"erase": "Human"}',
    "erase=human, send=never",
    " ERASE = human ",
]


@pytest.mark.parametrize("confirm", WAYS)
def test_erasing_asks_and_a_send_within_the_allow_list_goes(sandbox: Sandbox, confirm: Any) -> None:
    with made(sandbox.connection(), confirm, allowed_recipients=["example.com"]) as tool:
        assert code_of(tool.call("delete_customer", DELETE)) == "confirmation_required"
        assert tool.call("send_transactional_email", EMAIL)["ok"]
        other = {**EMAIL, "to": "eve@evil.example"}
        assert code_of(tool.call("send_transactional_email", other)) == "policy_refused"
    assert posts(sandbox) == ["/v1/send/email"]


def test_each_effect_has_its_own_way(sandbox: Sandbox) -> None:
    with made(sandbox.connection(), {"erase": "repeat", "send": "human"}) as tool:
        token = tool.call("delete_customer", DELETE)["confirmation_token"]
        assert "confirmation_id" in tool.call("send_transactional_email", EMAIL)
        shown = {name: tool.definition(name) for name in subtools()}
        assert tool.call("delete_customer", {**DELETE, "confirmation_token": token})["ok"]
    asked_twice = [
        name
        for name, each in shown.items()
        if "confirmation_token" in each["input_schema"]["properties"]
    ]
    assert "delete_customer" in asked_twice
    assert "identify_customer" in asked_twice
    assert not {"send_transactional_email", "track_event"} & set(asked_twice)


@pytest.mark.parametrize("confirm", ["send=human", "erase=human"])
def test_a_call_that_may_merge_counts_as_one_that_erases(sandbox: Sandbox, confirm: str) -> None:
    with made(sandbox.connection(), confirm) as tool:
        tool.call("identify_customer", {"customer_id": "lead@example.com", "attributes": {"a": 1}})
        waits = tool.call("identify_customer", {"customer_id": "n7", "email": "lead@example.com"})
    assert waits["ok"] == (confirm == "send=human")
    assert ("confirmation_id" in waits) == (confirm == "erase=human")


def test_a_dry_run_asks_nobody() -> None:
    policy = Policy.load({"confirm": "human", "dry_run": True})
    assert {policy.confirm_for(subtool) for subtool in subtools().values()} == {"never"}


@pytest.mark.parametrize(
    "confirm",
    [{}, "{}", {"erase": "maybe"}, {"read": "human"}, {"erase": None}, "erase=", "=human", 7, []],
)
def test_what_no_one_can_mean_is_refused(confirm: Any) -> None:
    with pytest.raises(ConnectionInvalid) as refused:
        Policy.load({"confirm": confirm})
    assert [field.path for field in refused.value.fields] == ["policy.confirm"]


def test_the_environment_gives_it_too() -> None:
    policy = Policy.from_env({"CUSTOMERIO_CONFIRM": "erase=human,send=repeat"})
    assert policy.confirm == {"erase": "human", "send": "repeat"}


@pytest.mark.parametrize("text", ["erase=human, erase=never", "send=never,Send=human,erase=human"])
def test_an_effect_with_two_words_is_refused(text: str) -> None:
    with pytest.raises(ConnectionInvalid, match="twice"):
        Policy.from_env({"CUSTOMERIO_CONFIRM": text})
