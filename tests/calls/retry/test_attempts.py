"""A call is tried as often, and at such times, as its effect and Customer.io allow."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest
import requests
import responses

from customerio_tool import CallContext
from customerio_tool.backends.pacing.pacer import Pacer
from customerio_tool.backends.quota import RetryQuota
from customerio_tool.calls.retry import MAX_ATTEMPTS, Bounds, Retrier
from customerio_tool.connection.client import Client
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools.declare import Effect
from tests.support.clients import PERSON, US, AnyPace, connected
from tests.support.retries import (
    LIST_CALL,
    LOST,
    NOW,
    PERSON_CALL,
    Call,
    SkippingClock,
)

LOGIN_URL = f"{US}/api/v1/customers/u1"


def test_a_call_is_tried_three_times_in_all(local: Call, sandbox: Sandbox) -> None:
    sandbox.fault(status=500)
    local(PERSON_CALL)
    assert len(sandbox.requests()) == MAX_ATTEMPTS == 3


@pytest.mark.parametrize("chance", [0.0, 0.25, 1.0])
def test_waits_between_attempts_are_drawn_from_nothing_up_to_a_bound_that_doubles(
    net: responses.RequestsMock, chance: float
) -> None:
    net.put(US + PERSON.path, status=500)
    clock = SkippingClock()
    with Client(connected(region="us")) as client:
        time = clock.whole()
        retrier = Retrier(client, Pacer(AnyPace()), RetryQuota(), time, chance=lambda: chance)
        bounds = Bounds(time.deadline(25), CallContext(), lambda _: None, time.sleep)
        retrier.send(PERSON, Effect.OVERWRITE, bounds)
    assert clock.sleeps == [chance * 0.5, chance * 1.0]


def test_every_attempt_of_an_event_carries_the_same_id_and_time(
    local: Call, sandbox: Sandbox
) -> None:
    sandbox.fault(action=LOST, times=2)
    local(("track_event", {"customer_id": "u1", "name": "paid"}))
    sent = [request["json"] for request in sandbox.requests()]
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2]
    assert sent[0]["timestamp"] == NOW


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("4", 4), ("1.5", 1.5), (formatdate(NOW + 3, usegmt=True), 3)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_that_fits_is_waited(
    vendor: Call,
    net: responses.RequestsMock,
    clock: SkippingClock,
    status: int,
    header: str,
    seconds: float,
) -> None:
    net.put(LOGIN_URL, status=status, headers={"Retry-After": header})
    net.put(LOGIN_URL, json={})
    assert vendor(PERSON_CALL)["ok"]
    assert clock.monotonic() == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize(
    "header", ["", "-5", "soon", "1e3", "٣", "nan", "inf", formatdate(NOW - 60), "9" * 400]
)
def test_a_wait_that_makes_no_sense_is_as_if_none_was_asked_for(
    vendor: Call, net: responses.RequestsMock, clock: SkippingClock, header: str
) -> None:
    net.put(LOGIN_URL, status=429, headers={"Retry-After": header})
    net.put(LOGIN_URL, json={})
    assert vendor(PERSON_CALL)["ok"]
    assert clock.monotonic() < 1


@pytest.mark.parametrize(
    ("header", "told"), [("600", 600), (formatdate(NOW + 3600, usegmt=True), 3600)]
)
@pytest.mark.parametrize(
    ("status", "code"), [(429, "rate_limited"), (503, "service_failed")], ids=str
)
def test_a_wait_that_does_not_fit_is_returned_at_once(
    vendor: Call,
    net: responses.RequestsMock,
    clock: SkippingClock,
    status: int,
    code: str,
    header: str,
    told: float,
) -> None:
    net.put(LOGIN_URL, status=status, headers={"Retry-After": header})
    error = vendor(PERSON_CALL)["error"]
    assert (error["code"], error["retry_after_seconds"]) == (code, told)
    assert clock.monotonic() == 0


def test_one_calls_429_holds_the_next_call(local: Call, sandbox: Sandbox) -> None:
    sandbox.fault(status=429, retry_after=30, times=1)
    assert local(LIST_CALL)["error"]["retry_after_seconds"] == 30
    held = local(("get_segment", {"segment_id": 1}))["error"]
    assert (held["code"], held["retry_after_seconds"]) == ("rate_limited", 30)
    assert len(sandbox.requests()) == 1


def test_a_repeat_does_not_need_the_time_of_a_whole_attempt_for_its_slot(
    vendor: Call, net: responses.RequestsMock, clock: SkippingClock
) -> None:
    url = "https://api.customer.io/v1/segments"

    def time_out_while_others_call(_: requests.PreparedRequest) -> Any:
        clock.skip(10)
        for _number in range(30):
            assert vendor(("get_segment", {"segment_id": 1}))["ok"]
        raise requests.ReadTimeout

    net.add_callback(responses.GET, url, callback=time_out_while_others_call)
    net.get(f"{url}/1", json={"segment": {"id": 1}})
    net.get(url, json={"segments": []})
    assert vendor(LIST_CALL, deadline_seconds=16)["ok"]


def test_an_outage_is_not_multiplied(local: Call, sandbox: Sandbox) -> None:
    sandbox.fault(status=500)
    for _ in range(100):
        local(PERSON_CALL)
    assert len(sandbox.requests()) <= 100 + 500 // 14


def test_after_an_outage_calls_are_repeated_again(local: Call, sandbox: Sandbox) -> None:
    outage = {"status": 500, "operation": "identify"}
    sandbox.faults.set([outage])
    for _ in range(40):
        local(PERSON_CALL)
    sandbox.faults.clear()
    for _ in range(30):
        assert local(PERSON_CALL)["ok"]
    sandbox.faults.set([outage])
    before = len(sandbox.requests())
    local(PERSON_CALL)
    assert len(sandbox.requests()) - before == 3


def test_an_outage_of_one_api_leaves_the_repeats_of_the_other(
    local: Call, sandbox: Sandbox
) -> None:
    sandbox.fault(status=500)
    for _ in range(40):
        local(PERSON_CALL)
    local(LIST_CALL)
    assert [one["operation"] for one in sandbox.requests()].count("list_segments") == 3


# What is gone already


def test_a_404_on_the_first_delete_is_not_found(local: Call) -> None:
    error = local(("delete_segment", {"segment_id": 99}))["error"]
    assert (error["code"], error["took_effect"]) == ("not_found", "no")


def test_a_404_on_a_later_delete_is_done(local: Call, sandbox: Sandbox) -> None:
    sandbox.fault(operation="delete_segment", action=LOST, times=1)
    assert local(("delete_segment", {"segment_id": 1}))["outcome"] == "done"
    deletes = [one["status"] for one in sandbox.requests() if one["method"] == "DELETE"]
    assert deletes == [None, 404]


def test_a_404_after_an_attempt_that_was_not_accepted_is_not_found(
    local: Call, sandbox: Sandbox
) -> None:
    sandbox.fault(operation="delete_segment", status=429, times=1)
    assert local(("delete_segment", {"segment_id": 99}))["error"]["code"] == "not_found"
