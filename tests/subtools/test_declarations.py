"""A declaration says what the promises of all subtools need, or it cannot be imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Annotated, Any

import pytest
from pydantic import Field

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import (
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    Identifier,
    Invocation,
    Line,
    Look,
    Pace,
    People,
    Person,
    Reach,
    Sends,
    Shape,
    Subtool,
    Verify,
)
from customerio_tool.subtools.declare.contradictions import contradictions_of
from tests.support.clients import code_of
from tests.support.policies import paths_of

UNSAID: Mapping[str, tuple[str, str, Any]] = {
    "a read needs `people`": ("list_segments", "people", None),
    "a read of one object needs `about`": ("get_segment", "about", None),
    "an event needs `data_argument`": ("track_event", "data_argument", None),
    "an event needs `may_start_campaigns`": ("track_event", "may_start_campaigns", False),
    "a send needs `file_arguments`": ("send_transactional_push", "file_arguments", None),
    "a send needs `key_argument`": ("send_transactional_push", "key_argument", None),
    "a send needs `ledger_keeps`": ("send_transactional_push", "ledger_keeps", None),
    "a member is kept that no result has": ("send_transactional_push", "ledger_keeps", ("to",)),
    "an erase needs `target`": ("delete_customer", "target", None),
    "a send needs `look`": ("send_transactional_push", "look", None),
    "a call that a person may be asked about needs `plan`": ("delete_segment", "plan", None),
    "a send needs `reach`": ("send_transactional_push", "reach", None),
    "a create needs `verify`": ("create_manual_segment", "verify", None),
    "a GET can only be a read": ("list_segments", "effect", Effect.ADD),
    "a read is a GET, or a search by POST": ("delete_segment", "effect", Effect.READ),
    "only a read can be a look-up": ("create_manual_segment", "is_lookup", True),
    "a GET has no body": ("list_segments", "body", lambda *_: {}),
    "at least two examples": ("list_segments", "examples", subtools()["get_segment"].examples[:1]),
    "a slot of the path is no argument": (
        "list_segments",
        "endpoint",
        Endpoint(Api.APP, "GET", "/v1/segments/{segment}"),
    ),
    "the narrower endpoint has no slot of its own": (
        "list_segments",
        "narrower_endpoint",
        Endpoint(Api.APP, "GET", "/v1/segments/mine"),
    ),
    "the endpoints differ in API or method": (
        "list_messages",
        "narrower_endpoint",
        Endpoint(Api.TRACK, "GET", "/v1/customers/{customer_id}/messages"),
    ),
}
UNNAMED = "an argument is named that it does not have"
NAMED: Mapping[str, Any] = {
    "person_argument": "person",
    "person_type_argument": "kind",
    "data_argument": "properties",
    "key_argument": "key",
    "file_arguments": ("file",),
}


class SendNoteArgs(Args):
    """Arguments of send_note, all under other names than those of the page."""

    reader: Person
    note: Annotated[Line, Field(description="The text.")]
    note_key: Annotated[Identifier | None, Field(description="Names the note.")] = None
    readers_file: Annotated[Line | None, Field(description="Where a list of readers is.")] = None


def _body(args: SendNoteArgs, _: Invocation) -> dict[str, Any]:
    return {
        "to": args.reader,
        "identifiers": {"email": args.reader},
        "from": "notes@example.com",
        "subject": "A note",
        "body": args.note,
    }


NOTE = {"reader": "ada+test@example.com", "note": "Hello"}
SENDS = Sends("POST", "/v1/send/email")
send_note = Subtool(
    name="send_note",
    description="Sends a note.",
    args=SendNoteArgs,
    endpoint=Endpoint(Api.APP, "POST", "/v1/send/email"),
    effect=Effect.SEND,
    pace=Pace.SEND,
    body=_body,
    shape=Shape(
        outcome="accepted",
        to_result=lambda answer: {"summary": "Sent.", "note_id": answer.payload["delivery_id"]},
        returns={"note_id": {"type": "string", "description": "Id of the note."}},
    ),
    look=lambda *_: Look("list_messages", {"type": "email"}),
    reach=lambda args: Reach(known=(("reader", args.reader),)),
    plan=lambda args: f"Send a note to {args.reader}.",
    person_argument="reader",
    file_arguments=("readers_file",),
    key_argument="note_key",
    ledger_keeps=("note_id",),
    reference="https://docs.customer.io/integrations/api/app/",
    examples=[Example(NOTE, SENDS), Example({**NOTE, "note": "Größe"}, SENDS)],
)


look_for_note = replace(
    send_note,
    name="look_for_note",
    shape=Shape(
        outcome="accepted",
        to_result=lambda answer: {"summary": "Sent.", "note_id": answer.payload["delivery_id"]},
        returns={"note_id": {"type": "string"}, "possibly": {"type": "array"}},
    ),
    verify=Verify(
        Endpoint(Api.APP, "GET", "/v1/messages"),
        lambda _args, _at, seen: {"possibly": seen["messages"]},
        expects="messages",
    ),
    people=People(renamed={"messages.recipient": ("email",)}),
)


@pytest.fixture
def with_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {**subtools(), send_note.name: send_note, look_for_note.name: look_for_note}
    monkeypatch.setattr("customerio_tool.subtools.subtools", lambda: known)


@pytest.mark.parametrize("complaint", UNSAID)
def test_what_is_not_said_or_contradicts_itself_is_refused(complaint: str) -> None:
    name, field, value = UNSAID[complaint]
    with pytest.raises(TypeError, match=f"^{name}: {complaint}$"):
        replace(subtools()[name], **{field: value})


def test_every_complaint_is_tried() -> None:
    known = contradictions_of(subtools()["list_segments"]).keys()
    assert known == UNSAID.keys() | {UNNAMED}


def test_whom_a_call_is_about_is_always_said() -> None:
    declared = subtools()["list_segments"]
    said = {field.name: getattr(declared, field.name) for field in fields(declared)}
    del said["person_argument"]
    with pytest.raises(TypeError, match="person_argument"):
        Subtool(**said)


@pytest.mark.parametrize("name", ["create_manual_segment", "trigger_broadcast"])
def test_a_write_that_reads_back_says_where_people_are(name: str) -> None:
    with pytest.raises(TypeError, match=f"^{name}: a read needs `people`$"):
        replace(subtools()[name], people=None)


@pytest.mark.usefixtures("with_notes")
def test_a_hidden_address_is_not_in_the_trace_of_a_lost_send(sandbox: Sandbox) -> None:
    hidden = {"hidden_attributes": ["email"]}
    traces: list[str] = []
    for policy in ({}, hidden):
        sandbox.fault(operation="send_email", action="reset_after_applying", times=1)
        with CustomerIoTool(sandbox.connection(), policy=policy) as tool:
            run = CallContext(run_id=f"with {len(policy)}")  # each with its own doubts
            lost = tool.call("look_for_note", NOTE, context=run)
        assert code_of(lost) == "outcome_unknown"
        traces.append(str(lost["possibly"]))
    assert ["ada+test@example.com" in trace for trace in traces] == [True, False]


@pytest.mark.parametrize("field", NAMED)
def test_an_argument_that_is_named_exists(field: str) -> None:
    with pytest.raises(TypeError, match=UNNAMED):
        replace(subtools()["list_segments"], **{field: NAMED[field]})


@pytest.mark.parametrize("name", [name for name, one in subtools().items() if one.target])
def test_a_target_is_shown_by_reads(name: str) -> None:
    subtool = subtools()[name]
    assert subtool.target is not None
    for example in subtool.examples:
        for look in subtool.target.looks(subtool.parse(example.arguments)):
            read = subtools()[look.subtool]
            assert read.effect is Effect.READ
            assert read.parse(look.arguments)


def test_the_name_of_a_target_is_an_argument_and_can_be_looked_for() -> None:
    target = subtools()["delete_segment"].target
    assert target is not None
    with pytest.raises(TypeError, match="belong together"):
        replace(target, by_name=None)
    with pytest.raises(TypeError, match=UNNAMED):
        replace(subtools()["delete_segment"], target=replace(target, name_argument="title"))


@pytest.mark.usefixtures("with_notes")
def test_a_ledger_keeps_a_message_by_whatever_argument_names_it(sandbox: Sandbox) -> None:
    keyed = {**NOTE, "note_key": "k1"}
    with CustomerIoTool(sandbox.connection()) as tool:
        first, again = (tool.call("send_note", keyed) for _ in range(2))
        on_purpose = tool.call("send_note", {**keyed, "note_key": "k2"})
        other = tool.call("send_note", {**keyed, "note": "Another text"})
    assert (first["outcome"], again["outcome"]) == ("accepted", "already_sent")
    assert first["note_id"] == again["note_id"] != on_purpose["note_id"]
    assert (code_of(other), paths_of(other)) == ("arguments_invalid", ["note_key"])
    assert len(sandbox.requests()) == 2


@pytest.mark.usefixtures("with_notes")
def test_a_policy_closes_files_and_strangers_by_whatever_argument_names_them(
    sandbox: Sandbox,
) -> None:
    given = {**NOTE, "readers_file": "https://files.example.com/readers"}
    with CustomerIoTool(sandbox.connection()) as tool:
        closed = tool.call("send_note", given)
    with CustomerIoTool(
        sandbox.connection(), policy={"allowed_recipients": ["qa@example.com"]}
    ) as tool:
        stranger = tool.call("send_note", NOTE)
    assert (code_of(closed), paths_of(closed)) == ("arguments_invalid", ["readers_file"])
    assert (code_of(stranger), paths_of(stranger)) == ("policy_refused", ["reader"])
    assert sandbox.requests() == []
