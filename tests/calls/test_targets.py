"""What erases reads its target first, says what it found, and proves no deletion of nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.results import AS_DATA
from tests.support.clients import APP_US, SAVED_US, code_of, example_of
from tests.support.fault_matrix import SAMPLES
from tests.support.retries import SkippingClock, Tries, tool_on
from tests.support.targets import (
    ADA,
    ERASING,
    FAILING,
    LOOKS,
    SEGMENT,
    checked,
    guarded,
    nowhere,
    of_nobody,
    reads,
    without_app_key,
    writes,
)
from tests.support.timeouts import PATIENCE

each = pytest.mark.parametrize("name", ERASING)
BY_TRACK = [name for name in ERASING if subtools()[name].endpoint.api is Api.TRACK]


@pytest.fixture
def tool(sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    with guarded(sandbox) as made:
        yield made


# In the result


@each
def test_where_nothing_was_known_it_is_said_and_no_read_is_offered_as_proof(
    tool: CustomerIoTool, name: str
) -> None:
    result = checked(name, tool.call(name, of_nobody(name)))
    assert result["existed"] is False
    assert "target" not in result
    assert "verify" not in result
    if result["ok"]:
        assert re.match(r"Nobody with \w+.* was known before", result["summary"])
        assert "ask the user" in result["summary"]
    else:
        assert (code_of(result), result["error"]["next_step"]) == ("not_found", "ask_user")


@each
def test_the_target_that_was_there_is_told_as_customer_io_had_it(
    tool: CustomerIoTool, name: str
) -> None:
    result = checked(name, tool.call(name, example_of(name)))
    assert (result["ok"], result["existed"], result["untrusted"]) == (True, True, True)
    assert ("verify" in result) is ("verify" in subtools()[name].shape.returns)
    assert result["target"] == {
        "delete_customer": ADA,
        "suppress_customer": ADA,
        "merge_customers": {"id": "u6", "cio_id": "d9c106000006"},
        "delete_segment": SEGMENT,
    }.get(name, ADA)


def test_a_summary_says_how_many_were_in_a_segment(tool: CustomerIoTool) -> None:
    result = tool.call("delete_segment", {"segment_id": 1})
    told = "Deleted segment 1; its people stay. 2 people were in it."
    assert result["summary"] == f"{told} {AS_DATA}"


@pytest.mark.parametrize("given", ["u1", "ada+test@example.com", "cio_d9c106000001"])
def test_a_person_is_found_by_whatever_names_them(tool: CustomerIoTool, given: str) -> None:
    assert tool.call("suppress_customer", {"customer_id": given})["target"] == ADA


@each
def test_hidden_attributes_are_hidden_in_what_was_read(sandbox: Sandbox, name: str) -> None:
    for confirm in ("human", "repeat", "never"):
        with guarded(sandbox, confirm, hidden_attributes=["EMAIL", "cio_id"]) as tool:
            result = tool.call(name, example_of(name))
        assert result["existed"] is True
        assert not {"email", "cio_id"} & result["target"].keys()
        assert "@" not in json.dumps(result)


def test_hidden_attributes_are_hidden_though_the_answer_has_no_cio_id(
    net: responses.RequestsMock,
) -> None:
    person = {"id": "u1", "identifiers": {"id": "u1", "email": "ada@example.com"}}
    net.get(f"{APP_US}/v1/customers/u1/attributes", json={"customer": person})
    hiding = {"confirm": "human", "hidden_attributes": ["email"]}
    with CustomerIoTool(SAVED_US, policy=hiding) as tool:
        asked = tool.call("delete_customer", {"customer_id": "u1"})
    assert (asked["existed"], asked["target"]) == (True, {"id": "u1"})
    assert "ada" not in json.dumps(asked)


@each
def test_where_the_agent_may_not_read_people_it_learns_only_whether_somebody_was_there(
    sandbox: Sandbox, name: str
) -> None:
    with guarded(sandbox, enabled=[name]) as tool:
        result = tool.call(name, example_of(name))
    assert result["existed"] is True
    if subtools()[name].endpoint.api is Api.TRACK:
        assert "target" not in result
        assert "@" not in json.dumps(result)


# What it costs


@each
def test_a_target_is_read_once_and_before_anything_is_sent(
    sandbox: Sandbox, tool: CustomerIoTool, name: str
) -> None:
    assert tool.call(name, example_of(name))["ok"]
    methods = [request["method"] for request in sandbox.requests()]
    assert methods[-1] != "GET"
    assert methods[:-1] == ["GET"] * len(methods[:-1])
    assert len(reads(sandbox)) == len(set(reads(sandbox))) == (2 if "segment" in name else 1)


@each
def test_a_dry_run_reads_nothing(sandbox: Sandbox, name: str) -> None:
    for confirm in ("never", "human", "repeat"):
        with guarded(sandbox, confirm, dry_run=True) as tool:
            assert tool.call(name, example_of(name))["outcome"] == "dry_run"
    assert sandbox.requests() == []


@each
def test_after_the_deadline_nothing_is_read_or_sent(
    sandbox: Sandbox, tool: CustomerIoTool, name: str
) -> None:
    result = tool.call(name, example_of(name), context=CallContext(deadline_seconds=0))
    assert not result["ok"]
    assert sandbox.requests() == []


@each
def test_a_silent_read_leaves_time_for_the_call(
    sandbox: Sandbox, tool: CustomerIoTool, name: str
) -> None:
    nowhere(sandbox, action="no_answer_before_applying")
    result = tool.call(name, example_of(name), context=CallContext(deadline_seconds=1.5))
    assert result["ok"], result
    assert "existed" not in result


@each
def test_a_call_that_is_cancelled_during_the_read_sends_nothing(
    sandbox: Sandbox, tool: CustomerIoTool, name: str
) -> None:
    nowhere(sandbox, action="no_answer_before_applying")
    context = CallContext(cancelled=lambda: bool(sandbox.requests()), deadline_seconds=PATIENCE)
    assert code_of(tool.call(name, example_of(name), context=context)) == "cancelled"
    assert writes(sandbox) == []


# A read that fails


@each
@pytest.mark.parametrize("rule", FAILING.values(), ids=FAILING.keys())
def test_a_read_that_fails_stops_nothing_and_is_no_absence(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries, name: str, rule: dict[str, Any]
) -> None:
    nowhere(sandbox, **rule)
    with tool_on(clock, sandbox.connection(), tries) as tool:
        result = checked(name, tool.call(name, example_of(name)))
    assert result["ok"], result
    assert not {"existed", "target", "verify"} & result.keys()
    assert "could not be read before" in result["summary"]
    assert len(writes(sandbox)) == 1
    assert len(tries.made) == 2, "a look is one attempt"


@pytest.mark.parametrize("name", BY_TRACK)
def test_an_app_api_that_asks_to_wait_an_hour_stops_no_call_of_the_other(
    sandbox: Sandbox, tool: CustomerIoTool, name: str
) -> None:
    nowhere(sandbox, status=429, retry_after=3600)
    for _ in range(2):
        assert tool.call(name, example_of(name))["ok"]
    assert len(reads(sandbox)) == 1


@pytest.mark.parametrize("name", BY_TRACK)
def test_without_an_app_key_nothing_is_read_and_that_is_said(sandbox: Sandbox, name: str) -> None:
    with without_app_key(sandbox) as tool:
        result = tool.call(name, example_of(name))
    assert result["ok"]
    assert not {"existed", "verify"} & result.keys()
    assert "The connection has no app_api_key for that read." in result["summary"]
    assert len(sandbox.requests()) == 1


@pytest.mark.parametrize("given", ["ada@intranet", "@", "a,b@example.com", "u1@example.com."])
def test_nobody_is_not_said_where_the_form_does_not_tell_who_is_meant(
    tool: CustomerIoTool, given: str
) -> None:
    result = tool.call("suppress_customer", {"customer_id": given})
    assert "existed" not in result
    assert "verify" not in result


def test_a_read_answered_about_something_else_is_no_read(net: responses.RequestsMock) -> None:
    other = {"segment": {"id": 8, "name": "VIP", "type": "manual"}}
    net.get(f"{APP_US}/v1/segments/7", json=other)
    net.get(f"{APP_US}/v1/segments/7/customer_count", json={"count": 3})
    net.delete(f"{APP_US}/v1/segments/7", status=204)
    with CustomerIoTool(SAVED_US) as tool:
        named = tool.call("delete_segment", {"segment_id": 7, "name": "VIP"})
        result = tool.call("delete_segment", {"segment_id": 7})
    assert code_of(named) == "reply_unreadable"
    assert result["ok"]
    assert not {"existed", "target"} & result.keys()
    assert "VIP" not in json.dumps(result)


def test_a_person_answered_in_place_of_another_is_no_read(net: responses.RequestsMock) -> None:
    somebody = {"customer": {"identifiers": {"id": "u2", "email": None, "cio_id": "02"}}}
    net.get(f"{APP_US}/v1/customers/u1/attributes", json=somebody)
    net.delete("https://track.customer.io/api/v1/customers/u1", json={})
    with CustomerIoTool(SAVED_US) as tool:
        result = tool.call("delete_customer", {"customer_id": "u1"})
    assert not {"existed", "target"} & result.keys()


# An answer that is lost


LOST_BEFORE, LOST_AFTER = "reset_before_applying", "reset_after_applying"
DELETING = [name for name in ERASING if subtools()[name].endpoint.method == "DELETE"]


@pytest.mark.parametrize("name", DELETING)
@pytest.mark.parametrize("is_read", [True, False])
def test_a_404_after_a_lost_answer_is_a_deletion_only_of_what_was_seen(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries, name: str, is_read: bool
) -> None:
    own = SAMPLES[name].operation
    later_404 = {"operation": own, "status": 404}
    looks = [] if is_read else [{"operation": look, "status": 500} for look in LOOKS]
    sandbox.faults.set([{"operation": own, "action": LOST_AFTER, "times": 1}, later_404, *looks])
    with tool_on(clock, sandbox.connection(), tries) as tool:
        result = tool.call(name, example_of(name))
    if is_read:
        assert (result["ok"], result["existed"]) == (True, True)
    else:
        assert code_of(result) == "not_found"
        assert result["error"]["took_effect"] == "unknown"
        assert result["error"]["next_step"] == "ask_user"
        assert "may have been applied" in result["summary"]


@pytest.mark.parametrize("name", DELETING)
def test_another_refusal_after_a_lost_answer_is_no_deletion(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries, name: str
) -> None:
    own = SAMPLES[name].operation
    lost = {"operation": own, "action": LOST_BEFORE, "times": 1}
    sandbox.faults.set([lost, {"operation": own, "status": 400}])
    with tool_on(clock, sandbox.connection(), tries) as tool:
        result = tool.call(name, example_of(name))
    assert not result["ok"]
    assert result["error"]["took_effect"] == "unknown"


@pytest.mark.parametrize("name", DELETING)
def test_a_404_after_a_lost_answer_deletes_nobody_who_was_never_there(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries, name: str
) -> None:
    own = SAMPLES[name].operation
    lost = {"operation": own, "action": LOST_BEFORE, "times": 1}
    sandbox.faults.set([lost, {"operation": own, "status": 404}])
    with tool_on(clock, sandbox.connection(), tries) as tool:
        result = tool.call(name, of_nobody(name))
    assert (code_of(result), result["existed"]) == ("not_found", False)
    assert "Deleted" not in result["summary"]


def test_a_404_after_a_lost_answer_is_no_proof_for_what_is_read_by_nobody(
    net: responses.RequestsMock, clock: SkippingClock, tries: Tries
) -> None:
    where = "https://track.customer.io/api/v1/customers/u1/devices/t1"
    net.delete(where, status=500)
    net.delete(where, status=404)
    with tool_on(clock, SAVED_US, tries) as tool:
        result = tool.call("delete_device", {"customer_id": "u1", "device_id": "t1"})
    assert code_of(result) == "not_found"
    assert result["error"]["took_effect"] == "unknown"
