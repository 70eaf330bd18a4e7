"""One deadline bounds a call: its waits, attempts, sleeps, and an answer that drips."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
import requests
import responses

from customerio_tool import CallContext
from customerio_tool.sandbox import Sandbox
from tests.support.clients import SAVED, US
from tests.support.loopback import Loopback
from tests.support.retries import (
    BROADCAST_CALL,
    LIST_CALL,
    MAIL_CALL,
    PERSON_CALL,
    Call,
    SkippingClock,
    Tries,
    tool_on,
)
from tests.support.timeouts import PATIENCE

LOGIN_URL = f"{US}/api/v1/customers/u1"


@pytest.mark.parametrize(("call", "seconds"), [(PERSON_CALL, 25), (MAIL_CALL, 20)])
def test_waits_for_unanswered_attempts_end_at_the_deadline(
    vendor: Call, net: responses.RequestsMock, clock: SkippingClock, call: Any, seconds: float
) -> None:
    def wait_in_vain(request: requests.PreparedRequest) -> Any:
        read: float = request.req_kwargs["timeout"][1]  # type: ignore[attr-defined]  # responses puts it there
        clock.skip(read)
        raise requests.ReadTimeout

    net.add_callback(responses.PUT, LOGIN_URL, callback=wait_in_vain)
    net.add_callback(responses.POST, "https://api.customer.io/v1/send/email", callback=wait_in_vain)

    assert vendor(call)["error"]["code"] == "outcome_unknown"
    assert clock.monotonic() <= seconds


@pytest.mark.parametrize("seconds", [3, 8, 25, 60])
def test_sleeps_count_towards_the_deadline_that_the_host_sets(
    local: Call, sandbox: Sandbox, clock: SkippingClock, seconds: float
) -> None:
    sandbox.fault(status=503, retry_after=4)
    local(PERSON_CALL, deadline_seconds=seconds)
    assert clock.monotonic() <= seconds


def test_a_slot_that_comes_after_the_deadline_is_refused_with_the_seconds_to_wait(
    local: Call, tries: Tries
) -> None:
    assert local(BROADCAST_CALL)["ok"]
    error = local(BROADCAST_CALL, run_id="another")["error"]
    assert (error["code"], error["took_effect"]) == ("rate_limited", "no")
    assert 10 <= error["retry_after_seconds"] <= 11
    assert len(tries.made) == 1


@pytest.mark.parametrize(
    ("dripping", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\n", "outcome_unknown"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "accepted"),
    ],
    ids=["headers", "the length of a chunk"],
)
def test_an_answer_that_drips_anywhere_is_given_up_at_the_deadline(
    dripping: bytes, outcome: str
) -> None:
    given_up, ran_dry = threading.Event(), threading.Event()
    clock, tries = SkippingClock(), Tries()

    def drip(peer: socket.socket) -> None:
        peer.sendall(dripping)
        for _ in range(100 * PATIENCE):
            peer.sendall(b"0")
            clock.skip(0.5)
            if given_up.wait(0.01):
                return
        ran_dry.set()

    with Loopback([drip]) as server:
        with tool_on(clock, {**SAVED, "track_url": server.url, "region": "us"}, tries) as tool:
            result = tool.call(*PERSON_CALL)
        given_up.set()
    assert result.get("outcome", result.get("error", {}).get("code")) == outcome
    assert len(tries.made) == 1
    assert not ran_dry.is_set()


@pytest.mark.parametrize(("call", "seconds"), [(PERSON_CALL, 25), (MAIL_CALL, 20)])
def test_a_host_with_many_addresses_that_do_not_answer_is_given_up_at_the_deadline(
    clock: SkippingClock, monkeypatch: pytest.MonkeyPatch, call: Any, seconds: float
) -> None:
    class NoWay(socket.socket):
        def connect(self, _address: Any) -> None:
            timeout = self.gettimeout()
            assert timeout is not None
            clock.skip(timeout)
            raise TimeoutError

    look_up = socket.getaddrinfo

    def many(host: str, *args: Any) -> Any:
        return look_up("127.0.0.1", *args) * (8 if host.endswith(".customer.io") else 1)

    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(socket, "getaddrinfo", many)
    monkeypatch.setattr(socket, "socket", NoWay)
    with tool_on(clock, {**SAVED, "region": "us"}, Tries()) as tool:
        error = tool.call(*call)["error"]
    assert (error["code"], error["took_effect"]) == ("unreachable", "no")
    assert clock.monotonic() <= seconds + 0.001


@pytest.mark.parametrize("seconds", [0, -1, -1e300, float("-inf")])
def test_a_call_without_time_sends_nothing_and_can_be_made_again(
    local: Call, sandbox: Sandbox, seconds: float
) -> None:
    error = local(MAIL_CALL, deadline_seconds=seconds)["error"]
    assert (error["code"], error["took_effect"]) == ("unreachable", "no")
    assert sandbox.requests() == []
    assert local(MAIL_CALL)["outcome"] == "accepted"


@pytest.mark.parametrize("seconds", [1e9, 1e300, float("inf")])
def test_a_call_has_a_day_at_most(
    local: Call, sandbox: Sandbox, clock: SkippingClock, seconds: float
) -> None:
    sandbox.fault(operation="list_segments", status=503, retry_after=80_000)
    error = local(LIST_CALL, deadline_seconds=seconds)["error"]
    assert error["code"] == "service_failed"
    assert clock.sleeps == [80_000]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"deadline_seconds": float("nan")}, ValueError),
        ({"deadline_seconds": "20"}, TypeError),
        ({"deadline_seconds": True}, TypeError),
        ({"run_id": 5}, TypeError),
        ({"run_id": b"run"}, TypeError),
    ],
)
def test_a_context_that_could_fail_in_the_middle_of_a_call_cannot_be_made(
    wrong: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(wrong))):
        CallContext(**wrong)
