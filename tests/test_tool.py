"""`CustomerIoTool` runs its subtools on one connection and always answers with an envelope."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import responses
from jsonschema import Draft202012Validator

from customerio_tool import CallContext, Connection, CustomerIoTool
from customerio_tool.errors import (
    ArgumentsInvalid,
    ConnectionInvalid,
    SubtoolDisabled,
    SubtoolUnknown,
)
from customerio_tool.policy import Policy
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare.identifiers import is_ulid
from tests.support.clients import APP_US, SAVED_US, US
from tests.support.telemetry import NOW

NAMES = list(subtools())
ULID = "01JD5T3Q6C9W4Y2M8K7H1N0PZX"
EVENTS = f"{US}/api/v1/customers/u1/events"


def body_of(net: responses.RequestsMock, index: int = -1) -> Any:
    body = net.calls[index].request.body
    assert isinstance(body, (bytes, str))
    return json.loads(body)


# What it offers


def test_it_has_every_subtool_each_with_a_handler(tool: CustomerIoTool) -> None:
    assert list(tool.handlers) == tool.subtools() == NAMES
    assert [handler.__name__ for handler in tool.handlers.values()] == NAMES


def test_without_a_policy_it_has_the_default_one(tool: CustomerIoTool) -> None:
    assert tool.policy == Policy()
    assert {name: type(value) for name, value in tool.policy} == {
        name: type(value) for name, value in Policy()
    }


def test_a_handler_can_stand_for_a_function(tool: CustomerIoTool) -> None:
    handlers = tool.handlers.values()

    assert {handler: handler.__qualname__ for handler in handlers} == dict(
        zip(handlers, NAMES, strict=True)
    )
    assert repr(tool.handlers["get_segment"]) == "<subtool get_segment>"
    assert len(set(subtools().values())) == len(NAMES)


def test_a_definition_has_what_a_model_needs(tool: CustomerIoTool) -> None:
    definition = tool.definition("track_event")

    assert list(definition) == [
        "name",
        "title",
        "description",
        "input_schema",
        "output_schema",
        "annotations",
    ]
    assert definition["title"] == "Track Event"


def test_definitions_are_those_of_the_enabled_subtools_in_order(tool: CustomerIoTool) -> None:
    tool.disable("get_segment")

    names = [definition["name"] for definition in tool.definitions()]

    assert names == [name for name in NAMES if name != "get_segment"]


def test_definitions_can_be_had_for_some_only(tool: CustomerIoTool) -> None:
    tool.disable("get_segment")

    chosen = tool.definitions(only=["get_segment", "track_event", "add_device"])

    assert {definition["name"] for definition in chosen} == {"track_event", "add_device"}
    assert tool.definitions(only=[]) == []
    assert tool.definitions(only="track_event") == [tool.definition("track_event")]


def test_a_definition_is_not_shared_with_whoever_changes_it(tool: CustomerIoTool) -> None:
    tool.definition("get_segment")["input_schema"]["properties"].clear()

    assert "segment_id" in tool.definition("get_segment")["input_schema"]["properties"]


def test_subtools_are_enabled_and_disabled_one_by_one(tool: CustomerIoTool) -> None:
    tool.only("track_event", "get_segment")
    tool.enable("add_device")
    tool.disable("get_segment")

    assert set(tool.subtools()) == {"track_event", "add_device"}
    tool.only()
    assert tool.subtools() == []


def test_many_threads_may_enable_at_once(tool: CustomerIoTool) -> None:
    tool.only()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tool.enable, NAMES))

    assert tool.subtools() == NAMES


@pytest.mark.parametrize("method", ["enable", "disable", "only", "definition"])
def test_an_unknown_name_is_refused_wherever_one_is_given(
    tool: CustomerIoTool, method: str
) -> None:
    with pytest.raises(SubtoolUnknown, match="track_event"):
        getattr(tool, method)("trackEvent")

    assert tool.subtools() == NAMES


def test_a_saved_connection_that_is_wrong_is_refused_at_once() -> None:
    with pytest.raises(ConnectionInvalid):
        CustomerIoTool({**SAVED_US, "app_api_key": ""})


def test_a_policy_is_not_changed_by_the_tool_that_was_given_it() -> None:
    policy = Policy()
    with CustomerIoTool(SAVED_US, policy=policy) as tool:
        tool.only("get_segment")

    assert policy.enabled is None


def test_a_shared_session_stays_open() -> None:
    closed: list[bool] = []

    class Shared(requests.Session):
        def close(self) -> None:
            closed.append(True)
            super().close()

    shared = Shared()
    with CustomerIoTool(Connection.load(SAVED_US), session=shared):
        pass

    assert closed == []
    shared.close()


# Calls that are refused before anything is sent


@pytest.mark.parametrize("name", ["trackEvent", "", "TRACK_EVENT ", None, 7, [], {}])
def test_an_unknown_subtool_is_told_with_what_there_is(
    tool: CustomerIoTool, net: responses.RequestsMock, name: Any
) -> None:
    result = tool.call(name, {})

    assert result["error"]["code"] == "subtool_unknown"
    assert result["error"]["next_step"] == "fix_arguments"
    assert "track_event" in result["summary"]
    assert not net.calls


def test_a_disabled_subtool_is_told_before_its_arguments_are_looked_at(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    tool.disable("track_event")

    result = tool.call("track_event", {"no": "such"})

    assert result["error"]["code"] == "subtool_disabled"
    assert result["error"]["next_step"] == "give_up"
    with pytest.raises(SubtoolDisabled):
        tool.run("track_event", {})
    assert not net.calls


def test_a_read_that_is_refused_says_that_nothing_was_read(tool: CustomerIoTool) -> None:
    assert tool.call("get_segment", {})["summary"].startswith("Nothing was read.")
    assert tool.call("track_event", {})["summary"].startswith("Nothing was sent.")


def test_a_run_without_a_name_is_none() -> None:
    assert [CallContext(run_id=each).run_id for each in ("", " ", "\u200b", "r")] == [
        *[None] * 3,
        "r",
    ]


def test_what_only_its_time_makes_wrong_is_answered_with_the_call_that_is_meant(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    mail = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}
    result = tool.call("send_transactional_email", {**mail, "send_at": int(NOW) - 5})
    assert [each["path"] for each in result["error"]["fields"]] == ["send_at"]
    assert result["error"]["try"] == mail
    assert not net.calls


@pytest.mark.parametrize(
    "arguments", [None, {}, "", "{", "[]", "null", b"\xff", 7, '{"a":1,"a":2}', {"event": "x"}]
)
def test_bad_arguments_are_told_and_nothing_is_sent(
    tool: CustomerIoTool, net: responses.RequestsMock, arguments: Any
) -> None:
    result = tool.call("track_event", arguments)

    assert result["error"]["code"] == "arguments_invalid"
    assert result["error"]["took_effect"] == "no"
    assert result["error"]["fields"]
    with pytest.raises(ArgumentsInvalid):
        tool.run("track_event", arguments)
    assert not net.calls


# Calls


@pytest.mark.parametrize("form", [dict, json.dumps, lambda a: json.dumps(a).encode()])
def test_a_mapping_and_json_text_send_the_same(
    tool: CustomerIoTool, net: responses.RequestsMock, form: Any
) -> None:
    net.post(EVENTS, json={})
    arguments = {"customer_id": "u1", "name": "café", "data": {"n": 1.5}, "event_id": ULID}

    result = tool.call("track_event", form(arguments))

    assert (result["ok"], result["outcome"]) == (True, "accepted")
    assert body_of(net)["name"] == "café"
    assert body_of(net)["data"] == {"n": 1.5}


def test_a_handler_does_what_call_does(tool: CustomerIoTool, net: responses.RequestsMock) -> None:
    net.get(f"{APP_US}/v1/segments/7", json={"segment": {"id": 7, "name": "Beta"}})

    assert tool.handlers["get_segment"]({"segment_id": 7}) == tool.call(
        "get_segment", {"segment_id": 7}
    )


def test_a_handler_of_a_disabled_subtool_refuses(tool: CustomerIoTool) -> None:
    tool.only()

    assert tool.handlers["get_segment"]({})["error"]["code"] == "subtool_disabled"


def test_a_failure_is_an_envelope_and_no_exception(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.get(f"{APP_US}/v1/segments/7", status=404, json={"errors": [{"detail": "not found"}]})

    result = tool.call("get_segment", {"segment_id": 7})

    assert (result["ok"], result["error"]["code"]) == (False, "not_found")
    assert (result["said"], result["untrusted"]) == ("not found", True)
    Draft202012Validator(tool.definition("get_segment")["output_schema"]).validate(result)


def test_keys_that_a_reply_repeats_do_not_reach_the_result(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.get(
        f"{APP_US}/v1/segments/7", status=401, json={"meta": {"error": SAVED_US["app_api_key"]}}
    )

    assert tool.call("get_segment", {"segment_id": 7})["said"] == "***"


def test_what_customer_io_wrote_is_marked_and_cleaned(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.get(f"{APP_US}/v1/segments/7", json={"segment": {"name": "a\u200bb\u202e"}})

    result = tool.call("get_segment", {"segment_id": 7})

    assert result["segment"]["name"] == "ab"
    assert result["untrusted"] is True


# Event ids


def test_a_ulid_is_sent_as_it_is(tool: CustomerIoTool, net: responses.RequestsMock) -> None:
    net.post(EVENTS, json={})

    result = tool.call("track_event", {"customer_id": "u1", "name": "paid", "event_id": ULID})

    assert body_of(net)["id"] == result["event_id"] == ULID


def test_other_text_is_hashed_to_the_same_ulid_every_time(net: responses.RequestsMock) -> None:
    net.post(EVENTS, json={})
    net.post(f"{US}/api/v1/customers/u2/events", json={})
    ids = []
    for person, name, given in (
        ("u1", "paid", "order-1"),
        ("u1", "paid", "order-1"),
        ("u1", "paid", "order-2"),
        ("u1", "refunded", "order-1"),
        ("u2", "paid", "order-1"),
    ):
        with CustomerIoTool(SAVED_US) as tool:
            tool.call("track_event", {"customer_id": person, "name": name, "event_id": given})
        ids.append(body_of(net)["id"])

    assert all(map(is_ulid, ids))
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_without_an_id_each_call_has_its_own(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.post(EVENTS, json={})
    arguments = {"customer_id": "u1", "name": "paid"}

    told = [tool.call("track_event", arguments)["event_id"] for _ in range(2)]

    assert [body_of(net, index)["id"] for index in (0, 1)] == told
    assert told[0] != told[1]


def test_the_id_of_an_event_is_told_of_a_failure_too(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.post(EVENTS, status=500)

    result = tool.call("track_event", {"customer_id": "u1", "name": "paid", "event_id": ULID})

    assert result["error"]["took_effect"] == "unknown"
    assert result["event_id"] == ULID


# Sends


@pytest.mark.parametrize("body", [b"", b"<html>ok</html>", b"[]", b'{"delivery_id":7}'])
def test_a_send_whose_2xx_cannot_be_read_was_accepted(
    tool: CustomerIoTool, net: responses.RequestsMock, body: bytes
) -> None:
    net.post(f"{APP_US}/v1/send/email", body=body)
    arguments = subtools()["send_transactional_email"].examples[0].arguments

    result = tool.call("send_transactional_email", dict(arguments))

    assert (result["ok"], result["outcome"]) == (True, "accepted")
    assert result["delivery_id"] is None
    assert len(net.calls) == 1
