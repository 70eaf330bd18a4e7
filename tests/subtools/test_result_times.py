"""Results show the vendor's times in ISO 8601, so that what is read can be sent back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool import Backends, Clock, CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import all_subtools
from customerio_tool.subtools.attributes import get_customer_attributes
from customerio_tool.subtools.declare import unix_seconds, with_iso_times
from customerio_tool.subtools.messages import list_messages
from tests.subtools.calls import result_of
from tests.support.clients import AnyPace
from tests.support.footprints import ground

READS = [name for name, one in all_subtools().items() if one.effect.read_only]
UNIX = re.compile(r"1[4-9][0-9]{8}")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    place = ground()
    yield place.sandbox
    place.sandbox.close()


@pytest.fixture
def tool(sandbox: Sandbox) -> CustomerIoTool:
    clock = Clock(now=sandbox.clock.now, sleep=lambda _: None)
    backends = Backends(limiter=AnyPace())
    return CustomerIoTool(sandbox.connection(), lookups=True, backends=backends, clock=clock)


def unix_times_in(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [each for n, v in value.items() for each in unix_times_in(v, f"{path}.{n}")]
    if isinstance(value, list):
        return [each for inner in value for each in unix_times_in(inner, path)]
    return [path] if UNIX.fullmatch(str(value)) else []


@pytest.mark.parametrize("name", READS)
def test_no_read_shows_a_unix_time(name: str, tool: CustomerIoTool) -> None:
    for example in all_subtools()[name].examples:
        full = {"full": True} if "full" in all_subtools()[name].argument_names else {}
        result = tool.call(name, {**example.arguments, **full})
        assert result["ok"] or name == "get_message", result  # whose example is of no message
        assert unix_times_in(result) == []


def test_the_time_of_a_message_can_be_sent_back(tool: CustomerIoTool) -> None:
    message = tool.call("list_messages", {"limit": 5, "full": True})["messages"][-1]
    assert ISO.fullmatch(message["created"])
    assert all(ISO.fullmatch(each) for each in message["metrics"].values())
    span = {"start_time": message["created"], "end_time": message["created"]}
    found = tool.call("list_messages", span)["messages"]
    assert message["id"] in [each["id"] for each in found]


def test_the_times_of_a_person_can_be_sent_back(tool: CustomerIoTool) -> None:
    stored = {"customer_id": "times-1", "created_at": "2025-11-22T08:26:40Z"}
    device = {"customer_id": "times-1", "device_id": "t-1", "platform": "ios"}
    tool.call("identify_customer", stored)
    tool.call("add_device", {**device, "last_used": "2025-11-23T12:13:20Z"})

    person = tool.call("get_customer_attributes", {"customer_id": "times-1"})["customer"]

    assert person["attributes"]["created_at"] == stored["created_at"]
    assert person["devices"][0]["last_used"] == "2025-11-23T12:13:20Z"
    attributes = {"created_at": person["attributes"]["created_at"]}
    tool.call("identify_customer", {"customer_id": "times-1", "attributes": attributes})
    again = tool.call("get_customer_attributes", {"customer_id": "times-1"})["customer"]
    assert again["attributes"] == person["attributes"]


def test_a_number_of_a_persons_own_stays_a_number() -> None:
    own = {"updated_at": "1763800000", "last_seen": 1763800000, "created": "1763800000"}
    reply = {"customer": {"id": "u1", "attributes": own}}
    result = result_of(get_customer_attributes, reply, customer_id="u1")
    assert result["customer"]["attributes"] == own


@pytest.mark.parametrize("value", [None, 0, -5, True, 1.5, "soon", "20251122", 10**11, [], {}])
def test_what_is_no_time_stays_as_customer_io_has_it(value: Any) -> None:
    reply = {"customer": {"id": "u1", "attributes": {"created_at": value}}}
    result = result_of(get_customer_attributes, reply, customer_id="u1")
    assert result["customer"]["attributes"] == {"created_at": value}
    page = {"messages": [{"id": "m", "created": value, "metrics": value}]}
    (message,) = result_of(list_messages, page)["messages"]
    assert message.get("created") == value


@given(st.integers(1, 10**11 - 1))
def test_a_time_that_was_shown_is_read_as_the_same_time(seconds: int) -> None:
    shown = with_iso_times({"rows": [{"at": {"sent": seconds}}]}, ["rows.at.*"])
    assert unix_seconds(shown["rows"][0]["at"]["sent"]) == seconds


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@given(anything, st.sampled_from(["a", "a.*", "a.b", "*.a", "*"]))
def test_a_reply_of_any_form_keeps_its_form(reply: Any, path: str) -> None:
    def form(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: form(inner) for name, inner in value.items()}
        return [form(inner) for inner in value] if isinstance(value, list) else None

    before = repr(reply)
    assert form(with_iso_times(reply, [path])) == form(reply)
    assert repr(reply) == before
