"""A person alone releases an unknown outcome, and one message is one however it is written."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import Backends, CallContext, Clock, CustomerIoTool
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace, code_of
from tests.support.project import ROOT

E = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}
RUN = CallContext(run_id="r")
MAIL, PUSH = "send_transactional_email", "send_transactional_push"
BROADCAST = {"broadcast_id": 30, "audience": "emails", "emails": ["ada@example.com", "zoë@b.com"]}


@pytest.fixture
def tool(sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    clock = Clock(sleep=lambda _: None)
    backends = Backends(limiter=AnyPace())
    with CustomerIoTool(sandbox.connection(), backends=backends, clock=clock) as made:
        yield made


def sends(sandbox: Sandbox) -> int:
    """Return how many sends arrived."""
    return sum(each["method"] == "POST" for each in sandbox.requests())


def lose(sandbox: Sandbox, tool: CustomerIoTool, name: str, arguments: Any) -> dict[str, Any]:
    """Make a call whose answer is lost after the server applied it."""
    sandbox.fault(action="reset_after_applying", method="POST", times=1)
    result = tool.call(name, arguments, context=RUN)
    assert code_of(result) == "outcome_unknown"
    return result


def test_a_new_key_of_a_model_does_not_release_an_unknown_outcome(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    lose(sandbox, tool, MAIL, E)
    again = tool.call(MAIL, {**E, "idempotency_key": "fresh"}, context=RUN)
    assert code_of(again) == "confirmation_required"
    assert again["error"]["look"]["subtool"] == "list_messages"
    assert again["error"]["next_step"] == "ask_user"
    assert sends(sandbox) == 1

    approved = tool.approve(again["confirmation_id"])
    assert approved["outcome"] == "accepted"
    assert sends(sandbox) == 2
    assert tool.approve(again["confirmation_id"])["error"]["code"] == "confirmation_unknown"
    repeat = tool.call(MAIL, {**E, "idempotency_key": "fresh"}, context=RUN)
    assert repeat["outcome"] == "already_sent"
    assert sends(sandbox) == 2


def test_two_approvals_of_one_doubtful_message_send_it_once(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    lose(sandbox, tool, MAIL, E)
    again = [{"idempotency_key": "a"}, {"idempotency_key": "b", "to": "<ada@example.com>"}]
    asked = [tool.call(MAIL, {**E, **each}, context=RUN) for each in again]
    results = [tool.approve(each["confirmation_id"]) for each in asked]
    assert results[0]["outcome"] == "accepted"
    assert code_of(results[1]) == "confirmation_unknown"
    assert sends(sandbox) == 2


def test_a_declined_doubt_stays_one(sandbox: Sandbox, tool: CustomerIoTool) -> None:
    lose(sandbox, tool, MAIL, E)
    asked = tool.call(MAIL, {**E, "idempotency_key": "fresh"}, context=RUN)
    tool.decline(asked["confirmation_id"])
    assert code_of(tool.call(MAIL, E, context=RUN)) == "outcome_unknown"
    other = tool.call(MAIL, {**E, "idempotency_key": "fresher"}, context=RUN)
    assert code_of(other) == "confirmation_required"
    assert sends(sandbox) == 1


def test_an_approval_that_knew_of_no_doubt_releases_none(sandbox: Sandbox) -> None:
    backends = Backends(limiter=AnyPace())
    with CustomerIoTool(sandbox.connection(), policy="careful", backends=backends) as tool:
        asked = tool.call(MAIL, E, context=RUN)
        sandbox.fault(action="reset_after_applying", method="POST", times=1)
        assert code_of(tool.approve(asked["confirmation_id"])) == "outcome_unknown"
        again = tool.call(MAIL, {**E, "idempotency_key": "fresh"}, context=RUN)
        doubted = tool.approve(again["confirmation_id"])
        assert code_of(doubted) == "confirmation_required"
        assert sends(sandbox) == 1
        assert tool.approve(doubted["confirmation_id"])["outcome"] == "accepted"
        assert sends(sandbox) == 2


def test_a_lost_send_under_a_key_is_the_same_without_it(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    lose(sandbox, tool, MAIL, {**E, "idempotency_key": "k"})
    assert code_of(tool.call(MAIL, E, context=RUN)) == "outcome_unknown"
    assert sends(sandbox) == 1


def test_a_refused_send_frees_both_its_keys(sandbox: Sandbox, tool: CustomerIoTool) -> None:
    sandbox.fault(status=422, method="POST", times=1)
    refused = tool.call(MAIL, {**E, "idempotency_key": "k"}, context=RUN)
    assert code_of(refused) == "request_rejected"
    assert tool.call(MAIL, E, context=RUN)["outcome"] == "accepted"
    assert tool.call(MAIL, {**E, "idempotency_key": "k"}, context=RUN)["outcome"] == "accepted"


def test_a_key_of_another_message_is_refused_in_words(tool: CustomerIoTool) -> None:
    assert tool.call(MAIL, {**E, "idempotency_key": "k"}, context=RUN)["ok"]
    other = {**E, "message_data": {"n": 1}, "idempotency_key": "k"}
    refused = tool.call(MAIL, other, context=RUN)
    assert code_of(refused) == "arguments_invalid"
    assert "idempotency_key was used for another message" in refused["summary"]


def test_a_refused_copy_leaves_the_first_as_it_was(sandbox: Sandbox, tool: CustomerIoTool) -> None:
    assert tool.call(MAIL, E, context=RUN)["ok"]
    sandbox.fault(status=422, method="POST", times=1)
    tool.call(MAIL, {**E, "idempotency_key": "copy"}, context=RUN)
    assert tool.call(MAIL, E, context=RUN)["outcome"] == "already_sent"


@pytest.mark.parametrize(
    ("name", "first", "again"),
    [
        (MAIL, {**E, "message_data": {"n": 1}}, {**E, "message_data": {"n": 1.0}}),
        (MAIL, {**E, "message_data": {"n": 0}}, {**E, "message_data": {"n": -0.0}}),
        (MAIL, {**E, "message_data": {"n": 100}}, '{"message_data": {"n": 1e2}}'),
        (MAIL, {**E, "message_data": {"a": 1, "b": 2}}, {**E, "message_data": {"b": 2, "a": 1}}),
        (MAIL, E, {**E, "to": "ada@EXAMPLE.com"}),
        (MAIL, E, {**E, "to": " ada@example.com "}),
        (MAIL, E, {**E, "to": "<ada@example.com>"}),
        (MAIL, E, {**E, "to": "Ada <ada@example.com>"}),
        (MAIL, E, {**E, "to": "ada@example.com,"}),
        (MAIL, {**E, "cc": "a@x.com, b@x.com"}, {**E, "cc": "b@x.com,a@x.com"}),
        (MAIL, E, {**E, "queue_draft": False, "tracked": True}),
        (MAIL, E, {**E, "send_to_unsubscribed": True, "disable_message_retention": False}),
        (MAIL, {**E, "headers": {"X-Order": "1"}}, {**E, "headers": {"x-order": 1}}),
        (MAIL, {**E, "customer_id": "ada@example.com"}, {**E, "customer_id": "Ada@Example.com"}),
        (MAIL, E, {**E, "message_data": {}}),
        (
            PUSH,
            {"customer_id": "u1", "transactional_message_id": "3"},
            {"customer_id": "u1", "transactional_message_id": 3, "to": "all", "sound": "default"},
        ),
        (
            "trigger_broadcast",
            BROADCAST,
            {**BROADCAST, "emails": ["zoë@b.com", "ada@EXAMPLE.com"], "ignore_missing": False},
        ),
        (
            "trigger_broadcast",
            {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": ["u1", "u2"]},
            {"broadcast_id": 30.0, "audience": "customer_ids", "customer_ids": ["u2", "u1", "u2"]},
        ),
    ],
)
def test_one_message_is_one_however_it_is_written(
    sandbox: Sandbox, tool: CustomerIoTool, name: str, first: dict[str, Any], again: Any
) -> None:
    lose(sandbox, tool, name, first)
    if isinstance(again, str):
        again = '{"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": 1, ' + (
            again.removeprefix("{")
        )
    assert code_of(tool.call(name, again, context=RUN)) == "outcome_unknown"
    assert sends(sandbox) == 1


@pytest.mark.parametrize(
    "other",
    [
        {**E, "to": "Ada@example.com"},
        {**E, "tracked": False},
        {**E, "message_data": {"n": 1}},
        {**E, "message_data": {"n": True}},
        {**E, "subject": "Another"},
        {**E, "customer_id": "u2"},
        {**E, "bcc": "ada@example.com"},
    ],
)
def test_another_message_is_another(
    sandbox: Sandbox, tool: CustomerIoTool, other: dict[str, Any]
) -> None:
    assert tool.call(MAIL, E, context=RUN)["outcome"] == "accepted"
    assert tool.call(MAIL, other, context=RUN)["outcome"] == "accepted"
    assert sends(sandbox) == 2


TEACHES_A_KEY = re.compile(
    r"\b(new|another|other|different|fresh)\s+`?(idempotency[_ ])?key\b", re.IGNORECASE
)


def words_of_the_package() -> Iterator[str]:
    """Yield every text that a model or a host may read: no docstring does."""
    for file in (ROOT / "customerio_tool").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        docs = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in docs:
                yield str(node.value)


def test_no_words_of_ours_teach_a_new_key(tool: CustomerIoTool) -> None:
    texts = [*words_of_the_package(), json.dumps(tool.definitions())]
    texts += [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md",)]
    texts += [file.read_text(encoding="utf-8") for file in (ROOT / "docs").rglob("*.md")]
    assert [found[0] for text in texts for found in TEACHES_A_KEY.finditer(text)] == []
    assert TEACHES_A_KEY.search("sends it again, which a new `idempotency_key` does")
    keys = [
        each["input_schema"]["properties"]["idempotency_key"]["description"]
        for each in tool.definitions()
        if "idempotency_key" in each["input_schema"]["properties"]
    ]
    assert len(keys) == 3
    assert [key for key in keys if "again" in key] == []
