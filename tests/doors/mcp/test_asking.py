"""A person is asked at the client before what the policy holds back; no answer is no consent."""

from __future__ import annotations

import json
from typing import Any

import mcp_types as types
import pytest
from mcp import Client, MCPError
from mcp.client.session import ClientRequestContext

from customerio_tool import Backends, Connection
from customerio_tool.doors.mcp.server import new_server
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace
from tests.support.confirming import posts
from tests.support.mcp_doors import ERAS, Era, Person, Way, server_on, talk, views_on

DELETE = ("delete_customer", {"customer_id": "u1"})
OTHER = {"customer_id": "u2"}
NOBODY_CAN_ASK = "confirmation_required"

both_eras = pytest.mark.parametrize("era", ERAS)


def code_of(result: types.CallToolResult) -> str:
    return str(result.structured_content["error"]["code"])


def test_what_a_person_accepts_runs(server: Any, way: Way, sandbox: Sandbox) -> None:
    person = Person("accept")
    result = talk(server, way.era, lambda c: c.call_tool(*DELETE), person=person)
    assert result.structured_content["ok"] is True
    assert len(person.asked) == 1
    assert '"customer_id": "u1"' in person.asked[0]
    assert len(posts(sandbox)) == 1


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_what_a_person_refuses_does_not_run(
    server: Any, way: Way, sandbox: Sandbox, action: Any
) -> None:
    person = Person(action)
    result = talk(server, way.era, lambda c: c.call_tool(*DELETE), person=person)
    assert (result.is_error, code_of(result)) == (True, "policy_refused")
    assert len(person.asked) == 1
    assert posts(sandbox) == []


def test_a_client_that_cannot_ask_is_given_the_envelope(
    server: Any, way: Way, sandbox: Sandbox
) -> None:
    result = talk(server, way.era, lambda c: c.call_tool(*DELETE))
    assert (result.is_error, code_of(result)) == (True, NOBODY_CAN_ASK)
    assert result.structured_content["confirmation_id"]
    assert posts(sandbox) == []


def test_a_client_that_claims_to_ask_and_shows_nothing_gets_the_envelope_in_time(
    sandbox: Sandbox,
) -> None:
    person = Person(None)
    server = server_on(sandbox, answer_seconds=0.05)
    result = talk(server, "handshake", lambda c: c.call_tool(*DELETE), person=person)
    assert code_of(result) == NOBODY_CAN_ASK
    assert len(person.asked) == 1
    assert posts(sandbox) == []


def test_a_client_that_fails_to_ask_gets_the_envelope(sandbox: Sandbox) -> None:
    async def broken(_: ClientRequestContext, params: types.ElicitRequestParams) -> types.ErrorData:
        return types.ErrorData(code=types.INTERNAL_ERROR, message="no window")

    server = server_on(sandbox)
    result = talk(server, "handshake", lambda c: c.call_tool(*DELETE), person=broken)
    assert code_of(result) == NOBODY_CAN_ASK
    assert posts(sandbox) == []


@both_eras
def test_a_call_that_needs_nobody_asks_nobody(sandbox: Sandbox, era: Era) -> None:
    person = Person("decline")
    server = server_on(sandbox)
    call = ("track_event", {"customer_id": "u1", "name": "order_paid"})
    assert not talk(server, era, lambda c: c.call_tool(*call), person=person).is_error
    assert person.asked == []


@both_eras
def test_a_long_argument_is_shown_in_part_and_none_is_left_out(sandbox: Sandbox, era: Era) -> None:
    person = Person("decline")
    call = {
        "transactional_message_id": "receipt",
        "to": "ada@example.com",
        "customer_id": "u1",
        "message_data": {"long": "x" * 10_000, "list": list(range(100)), "last": "end"},
    }
    server = server_on(sandbox)
    talk(server, era, lambda c: c.call_tool("send_transactional_email", call), person=person)
    (question,) = person.asked
    assert len(question) < 3_000
    assert "9,500 more characters" in question
    assert "80 more" in question
    assert all(each in question for each in ("receipt", "ada@example.com", '"last": "end"'))


def question_of(sandbox: Sandbox, message_data: Any) -> str:
    """The question about a mail with these data, as the person at a client sees it."""
    person = Person("decline")
    call = {
        "message_data": message_data,
        "transactional_message_id": "receipt",
        "to": "ada@example.com",
        "customer_id": "u1",
    }
    server = server_on(sandbox)
    talk(
        server, "handshake", lambda c: c.call_tool("send_transactional_email", call), person=person
    )
    (question,) = person.asked
    return question


WIDE = {f"member {number}": "x" * 20 for number in range(500)}


@pytest.mark.parametrize(
    "data",
    [WIDE, {"deep": [WIDE] * 5}, {"n" * 3_000: 1}, {"a": {str(n): WIDE for n in range(3)}}],
    ids=["wide", "deep", "a long name", "wide and deep"],
)
def test_no_argument_pushes_the_others_out_of_sight(sandbox: Sandbox, data: Any) -> None:
    question = question_of(sandbox, data)
    assert len(question) < 5_000
    assert " more" in question
    assert '"customer_id": "u1"' in question


@pytest.mark.parametrize(
    "character", ["\u202e", "\u2066", "\x9b", "\u200b", "\U000e0041", "\u2028"]
)
def test_what_a_model_wrote_cannot_reverse_or_hide_what_the_person_reads(
    sandbox: Sandbox, character: str
) -> None:
    data = {f"name{character}": f"moc.elpmaxe{character}"}
    question = question_of(sandbox, data)
    assert character not in question
    assert json.loads(question[question.index("{") :])["message_data"] == data


def asked(server: Any, name: str, arguments: dict[str, Any]) -> types.InputRequiredResult:
    """The question of a call in the stateless era, unanswered."""

    async def words(connected: Client) -> types.InputRequiredResult:
        found = await connected.session.call_tool(name, arguments, allow_input_required=True)
        assert isinstance(found, types.InputRequiredResult)
        return found

    question: types.InputRequiredResult = talk(server, "stateless", words, person=Person("accept"))
    return question


def answer(
    server: Any, name: str, arguments: dict[str, Any], state: str | None, **responses: Any
) -> Any:
    """What a client gets that calls again with a state and answers; an error's text too."""

    async def words(connected: Client) -> Any:
        try:
            return await connected.session.call_tool(
                name,
                arguments,
                input_responses=responses,
                request_state=state,
                allow_input_required=True,
            )
        except MCPError as error:
            return error.error.message

    return talk(server, "stateless", words, person=Person("accept"))


YES = types.ElicitResult(action="accept")
REJECTED = "Invalid or expired requestState"


def test_an_answer_with_the_state_of_its_question_runs_once(sandbox: Sandbox) -> None:
    server = server_on(sandbox)
    state = asked(server, *DELETE).request_state
    assert answer(server, *DELETE, state, confirm=YES).structured_content["ok"] is True
    again = answer(server, *DELETE, state, confirm=YES)
    assert code_of(again) == "confirmation_unknown"
    assert len(posts(sandbox)) == 1


@pytest.mark.parametrize(
    ("name", "arguments", "forge"),
    [
        (*DELETE, lambda _: "v1.made-up"),
        (*DELETE, lambda state: state[:-2]),
        ("delete_customer", OTHER, lambda state: state),
        ("suppress_customer", DELETE[1], lambda state: state),
    ],
    ids=["made up", "changed", "other arguments", "other tool"],
)
def test_a_state_that_is_not_of_this_call_approves_nothing(
    sandbox: Sandbox, name: str, arguments: dict[str, Any], forge: Any
) -> None:
    server = server_on(sandbox)
    state = asked(server, *DELETE).request_state
    assert answer(server, name, arguments, forge(state), confirm=YES) == REJECTED
    assert posts(sandbox) == []


def test_the_bare_id_of_a_waiting_call_is_no_state(sandbox: Sandbox) -> None:
    views = views_on(sandbox, preset="careful")
    waiting = views.whole.tool.call(*DELETE)["confirmation_id"]
    server = server_on(sandbox, views)
    assert answer(server, *DELETE, waiting, confirm=YES) == REJECTED
    assert posts(sandbox) == []


@pytest.mark.parametrize("responses", [{}, {"other": YES}])
def test_a_state_without_an_answer_is_asked_again(
    sandbox: Sandbox, responses: dict[str, Any]
) -> None:
    server = server_on(sandbox)
    state = asked(server, *DELETE).request_state
    again = answer(server, *DELETE, state, **responses)
    assert isinstance(again, types.InputRequiredResult)
    assert posts(sandbox) == []


def test_an_answer_without_a_state_approves_nothing(sandbox: Sandbox) -> None:
    server = server_on(sandbox)
    asked(server, *DELETE)
    assert isinstance(answer(server, *DELETE, None, confirm=YES), types.InputRequiredResult)
    assert posts(sandbox) == []


def test_another_server_on_the_same_keys_reads_the_state(sandbox: Sandbox) -> None:
    backends = Backends(limiter=AnyPace())
    one = server_on(sandbox, views_on(sandbox, backends, preset="careful"))
    other = server_on(sandbox, views_on(sandbox, backends, preset="careful"))
    state = asked(one, *DELETE).request_state
    assert answer(other, *DELETE, state, confirm=YES).structured_content["ok"] is True


def test_a_server_on_other_keys_does_not_read_the_state(sandbox: Sandbox) -> None:
    backends = Backends(limiter=AnyPace())
    views = views_on(sandbox, backends, preset="careful")
    elsewhere = Connection.load({**sandbox.connection(), "app_api_key": "another-key"})
    state = asked(server_on(sandbox, views), *DELETE).request_state
    assert answer(new_server(views, elsewhere), *DELETE, state, confirm=YES) == REJECTED
    assert posts(sandbox) == []
