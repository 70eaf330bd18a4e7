"""A person who decides about a call reads what it will do, and to whom, in one plain sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import responses

from customerio_tool import CallContext
from customerio_tool.backends.approvals.sqlite import SqliteApprovals
from customerio_tool.calls.waiting_calls import Question
from customerio_tool.errors import ToolClosed
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.clients import EMAIL, SAVED_US, example_of
from tests.support.confirming import ASKED, DELETE, NOW, Time, made

PLANS: list[tuple[str, dict[str, Any], str]] = [
    ("delete_customer", DELETE, 'Delete the person "u1" and all of their data, for good.'),
    (
        "suppress_customer",
        DELETE,
        'Delete the profile of "u1" for good, and stop all messages to that identifier.',
    ),
    (
        "merge_customers",
        {"primary_id": "u1", "secondary_id": "u6"},
        'Merge the person "u6" into "u1", and delete "u6" for good.',
    ),
    ("delete_segment", {"segment_id": 1}, "Delete segment 1 for good; its people stay."),
    (
        "trigger_broadcast",
        {"broadcast_id": 30, "audience": "emails", "emails": ["a@b.io", "c@d.io"]},
        'Send broadcast 30 to 2 addresses ("a@b.io", "c@d.io").',
    ),
    (
        "trigger_broadcast",
        {"broadcast_id": 30, "audience": "default"},
        "Send broadcast 30 to the audience that is set in Customer.io.",
    ),
    (
        "trigger_broadcast",
        {"broadcast_id": 30, "audience": "file", "data_file_url": "https://files.example.com/p"},
        'Send broadcast 30 to all people of a file at "files.example.com".',
    ),
    (
        "send_transactional_email",
        {**EMAIL, "to": "ada@example.com", "customer_id": "u1", "cc": "a@b.io, c@d.io"},
        'with copies to 2 addresses ("a@b.io", "c@d.io"), for the person "u1".',
    ),
    (
        "send_transactional_push",
        {"customer_id": "u1", "transactional_message_id": "7"},
        'Send the push notification of template "7" to their devices, for the person "u1".',
    ),
    (
        "send_transactional_push",
        {"customer_id": "u1", "transactional_message_id": "7", "queue_draft": True},
        'Keep as a draft the push notification of template "7" to their devices',
    ),
]


@pytest.fixture(autouse=True)
def _nothing_leaves(request: pytest.FixtureRequest) -> None:
    if "sandbox" not in request.fixturenames:
        request.getfixturevalue("net")


def question_of(name: str, arguments: dict[str, Any], **policy: Any) -> Question:
    with made(SAVED_US, "human", data_files=True, **policy) as tool:
        waiting = tool.call(name, arguments)
        assert "confirmation_id" in waiting, waiting
        question = tool.question(waiting["confirmation_id"])
    assert question is not None
    return question


@pytest.mark.parametrize(("name", "arguments", "plan"), PLANS)
def test_a_person_reads_what_will_happen_to_whom(
    name: str, arguments: dict[str, Any], plan: str
) -> None:
    assert plan in question_of(name, arguments).sentence


@pytest.mark.parametrize("name", ASKED)
def test_every_call_that_waits_has_a_plan_in_one_sentence(name: str) -> None:
    question = question_of(name, example_of(name))
    assert question.subtool == name
    assert not question.sentence.startswith("Run ")
    assert "\n" not in question.sentence
    assert (question.asked_at, question.ends_at) == (NOW, NOW + 600)


@pytest.mark.parametrize("name", ASKED)
def test_the_arguments_are_those_that_will_be_used(name: str) -> None:
    subtool, asked = subtools()[name], question_of(name, example_of(name)).arguments
    assert asked is not None
    assert list(subtool.parse(asked)) == list(subtool.parse(example_of(name)))


def test_what_was_read_of_the_target_is_told(sandbox: Sandbox) -> None:
    with made(sandbox.connection(), "human") as tool:
        tool.call("delete_customer", {"customer_id": "nobody-at-all"})
        (question,) = tool.waiting()
    assert "Nobody with this id was known before" in question.sentence


def test_a_merge_that_nobody_asked_for_is_told(sandbox: Sandbox) -> None:
    with made(sandbox.connection(), "human") as tool:
        tool.call("identify_customer", {"customer_id": "lead@example.com", "attributes": {"a": 1}})
        waits = tool.call("identify_customer", {"customer_id": "n7", "email": "lead@example.com"})
        assert "confirmation_id" in waits, waits
        question = tool.question(waits["confirmation_id"])
    assert question is not None
    assert 'the person "n7" and give them the email "lead@example.com".' in question.sentence
    assert "merged for good" in question.sentence


def test_words_of_a_model_cannot_pass_for_ours() -> None:
    forged = {**EMAIL, "subject": 'Hi".\u202e Nothing is sent. Approve. ' + "x" * 500}
    sentence = question_of("send_transactional_email", forged).sentence
    assert "\u202e" not in sentence
    assert sentence.count('"') % 2 == 0
    assert "x" * 100 not in sentence
    assert "…" in sentence


def test_a_question_shows_nothing_in_repr() -> None:
    question = question_of("send_transactional_email", EMAIL)
    assert "@" not in repr(question)
    assert "send_transactional_email" in repr(question)


def test_waiting_calls_are_listed_the_oldest_first(time: Time) -> None:
    with made(SAVED_US, "human", time) as tool:
        for person in ("u1", "u2", "u3"):
            tool.call("delete_customer", {"customer_id": person})
            time.now += 1
        listed = tool.waiting()
        assert [question.arguments for question in listed] == [
            {"customer_id": "u1"},
            {"customer_id": "u2"},
            {"customer_id": "u3"},
        ]
        tool.decline(listed[0].confirmation_id)
        assert [each.arguments for each in tool.waiting()] == [
            {"customer_id": "u2"},
            {"customer_id": "u3"},
        ]
        time.now += 600
        assert tool.waiting() == []


def test_an_unknown_id_has_no_question() -> None:
    with made(SAVED_US, "human") as tool:
        assert tool.question("1-0000000000000000") is None
        assert tool.question("") is None


def test_another_workspace_sees_no_question() -> None:
    with made(SAVED_US, "human") as tool:
        approvals = tool._backends.approvals
        asked = tool.call("delete_customer", DELETE)["confirmation_id"]
        other = {**SAVED_US, "site_id": "another"}
        with made(other, "human", approvals=approvals) as stranger:
            assert stranger.waiting() == []
            assert stranger.question(asked) is None
            assert stranger.approve(asked)["error"]["code"] == "confirmation_unknown"


def test_only_who_has_the_credentials_reads_a_question_of_a_shared_store(tmp_path: Path) -> None:
    approvals = SqliteApprovals(tmp_path / "approvals.sqlite3")
    other = {**SAVED_US, "app_api_key": "another-app-key-0123456789"}
    with (
        made(SAVED_US, "human", approvals=approvals) as asker,
        made(other, "human", approvals=approvals) as stranger,
    ):
        asked = asker.call("send_transactional_email", EMAIL)["confirmation_id"]
        for tool, words in ((asker, EMAIL["to"]), (stranger, "other credentials than these")):
            question = tool.question(asked)
            assert question is not None
            assert question.subtool == "send_transactional_email"
            assert words in question.sentence
            assert (question.arguments is None) is (tool is stranger)
            assert tool.waiting() == [question]


def test_a_closed_tool_shows_nothing() -> None:
    tool = made(SAVED_US, "human")
    tool.close()
    with pytest.raises(ToolClosed):
        tool.waiting()


@pytest.mark.parametrize("name", subtools())
def test_every_declared_example_is_kept_as_the_very_same_call(
    net: responses.RequestsMock, name: str
) -> None:
    from customerio_tool.calls.call import Call
    from customerio_tool.calls.kept_call import call_of, kept
    from customerio_tool.subtools.declare import Invocation

    subtool = subtools()[name]
    at = Invocation(now=NOW, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
    for example in subtool.examples:
        args = subtool.parse(example.arguments)
        call: Call[Any] = Call(subtool, args, at, CallContext(run_id="run"), sends_again=True)
        again = call_of(kept(call), at)
        assert again.canonical == call.canonical
        assert again.args.reading == args.reading
        assert (again.context.run_id, again.sends_again, again.seen) == ("run", True, None)
