"""Each fault does what its name says, to the bytes on the wire and to what is applied."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from itertools import product
from typing import Any, get_args

import pytest
import requests

from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.serving.faults import Action
from tests.sandbox.raw import CLOSED, FOREVER, Wire, identify, log
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

LEAVES_SOON = (PATIENCE, 0.2)  # seconds to connect, and to wait for an answer that will not come


def test_a_reset_before_applying_leaves_nothing_behind(api: Api) -> None:
    api.sandbox.fault(operation="identify", action="reset_before_applying")
    with Wire(api) as wire:
        wire.identify("x")
        with pytest.raises(ConnectionResetError):
            wire.sock.recv(1)
    assert api.person("x") is None
    assert log(api) == [(None, False, "reset_before_applying")]


def test_a_reset_after_applying_hides_that_it_happened(api: Api) -> None:
    api.sandbox.fault(operation="identify", action="reset_after_applying")
    with Wire(api) as wire:
        wire.identify("x")
        with pytest.raises(ConnectionResetError):
            wire.sock.recv(1)
    assert api.known("x")["attributes"] == {"plan": "x"}
    assert log(api) == [(None, True, "reset_after_applying")]


@pytest.mark.parametrize("reset", ["reset_before_applying", "reset_after_applying"])
def test_a_reset_is_a_connection_error_over_tls_too(reset: str) -> None:
    with Sandbox(tls=True) as sandbox, requests.Session() as session:
        sandbox.fault(action=reset)
        session.trust_env = False
        url = f"{sandbox.track_url}/api/v1/accounts/region"
        with pytest.raises(requests.ConnectionError):
            session.get(url, verify=sandbox.ca_file, timeout=PATIENCE)


def test_an_error_status_is_not_applied_and_speaks_as_its_api_does(api: Api) -> None:
    api.sandbox.fault(status=503)
    answer = identify(api)
    assert (answer.status_code, answer.reason) == (503, "Service Unavailable")
    assert answer.json() == {"meta": {"errors": ["Service Unavailable"]}}
    app = api.app("GET", "/v1/segments")
    assert app.json() == {"errors": [{"detail": "Service Unavailable", "status": "503"}]}
    assert api.person("x") is None
    assert log(api) == [(503, False, "answer")] * 2


def test_an_error_status_after_applying_hides_that_it_happened(api: Api) -> None:
    api.sandbox.fault(status=500, apply=True)
    assert identify(api).status_code == 500
    assert api.known("x")
    assert log(api) == [(500, True, "answer")]


def test_a_call_can_be_accepted_and_dropped(api: Api) -> None:
    """Track may drop what exceeds its limit."""
    api.sandbox.fault(apply=False)
    assert (identify(api).status_code, identify(api).json()) == (200, {})
    assert api.person("x") is None
    assert log(api) == [(200, False, "answer")] * 2


def test_a_status_without_a_name_can_be_answered(api: Api) -> None:
    api.sandbox.fault(status=522)
    assert identify(api).status_code == 522


def test_headers_and_body_are_the_rules_own(api: Api) -> None:
    api.sandbox.faults.set(
        [
            {"status": 418, "headers": {"x-odd": "1", "content-type": "text/odd"}, "body": "hey"},
            {"api": "app", "body": {"segments": None}},
        ]
    )
    answer = identify(api)
    assert (answer.text, answer.headers["X-Odd"]) == ("hey", "1")
    assert answer.headers["Content-Type"] == "text/odd"
    api.sandbox.faults.set([{"api": "app", "body": {"segments": None}}])
    assert api.get("/v1/segments") == {"segments": None}


@pytest.mark.parametrize(("seconds", "text"), [(2, "2"), (0.5, "0.5"), (0, "0")])
def test_retry_after_in_seconds(api: Api, seconds: float, text: str) -> None:
    api.sandbox.fault(status=429, retry_after=seconds)
    assert identify(api).headers["Retry-After"] == text


def test_retry_after_as_a_date_counts_from_the_answers_own_date(api: Api) -> None:
    api.sandbox.fault(status=503, retry_after=120, retry_after_form="date")
    headers = identify(api).headers
    there = parsedate_to_datetime(headers["Retry-After"])
    ahead = (there - parsedate_to_datetime(headers["Date"])).total_seconds()
    assert 60 < ahead <= 120  # whole seconds, written one after the other


def test_a_delay_before_applying_lets_the_client_go_first(api: Api) -> None:
    api.sandbox.fault(delay=FOREVER, delay_before="applying")
    with pytest.raises(requests.ReadTimeout):
        api.session.get(f"{api.sandbox.app_url}/v1/segments", timeout=LEAVES_SOON)
    assert log(api) == []


def test_a_delay_before_answering_hides_that_it_happened(api: Api) -> None:
    active = api.sandbox.fault(delay=FOREVER, method="PUT")
    auth = (api.sandbox.site_id, api.sandbox.track_api_key)
    url = f"{api.sandbox.track_url}/api/v1/customers/x"
    with pytest.raises(requests.ReadTimeout):
        api.session.put(url, json={"plan": "x"}, auth=auth, timeout=LEAVES_SOON)
    api.sandbox.wait_for(1, timeout=PATIENCE)
    assert active.fired == 1
    assert api.known("x")


def test_a_short_delay_only_takes_its_time(api: Api) -> None:
    for before in ("applying", "answering"):
        api.sandbox.faults.set([{"delay": 0.001, "delay_before": before}])
        assert identify(api).status_code == 200
    assert log(api) == [(200, True, "answer")] * 2


def test_a_slow_body_drips(api: Api) -> None:
    api.sandbox.fault(action="slow_body", bytes_per_second=10, body="x" * 10 * PATIENCE)
    with Wire(api) as wire:
        wire.identify("x")
        assert b"Content-Length: 600" in wire.read_head()
        assert 0 < len(wire.sock.recv(65536)) < 600  # the rest is a minute away


def test_a_slow_body_arrives_whole(api: Api) -> None:
    api.sandbox.fault(action="slow_body", bytes_per_second=100_000)
    assert len(api.get("/v1/segments")["segments"]) == 3


def test_a_cut_body_ends_halfway_through_its_length(api: Api) -> None:
    api.sandbox.fault(action="cut_body", body="0123456789")
    with Wire(api) as wire:
        wire.identify("x")
        data = wire.read_all()
    assert b"Content-Length: 10\r\n" in data
    assert data.endswith(b"\r\n\r\n01234")
    assert api.known("x")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        identify(api)


def test_a_length_too_small_leaves_bytes_for_the_next_answer(api: Api) -> None:
    api.sandbox.fault(action="length_too_small", body="0123456789", times=1)
    with Wire(api) as wire:
        wire.identify("x")
        assert b"Content-Length: 5\r\n" in wire.read_head()
        wire.identify("x")
        assert wire.read_head().startswith(b"0123456789HTTP/1.1 200 OK\r\n")


def test_a_length_too_large_keeps_the_client_waiting(api: Api) -> None:
    api.sandbox.fault(action="length_too_large", body="0123456789")
    with Wire(api) as wire:
        wire.identify("x")
        assert b"Content-Length: 21\r\n" in wire.read_head()
        body = b""
        while len(body) < 10:
            body += wire.sock.recv(65536)
        assert body == b"0123456789"
        wire.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            wire.sock.recv(1)  # neither more nor the end


@pytest.mark.parametrize("path", ["/v1/segments", "/v1/campaigns/12", "/v1/messages"])
def test_malformed_json_is_a_whole_answer_that_no_parser_takes(api: Api, path: str) -> None:
    api.sandbox.fault(action="malformed_json")
    answer = api.app("GET", path)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content) > 0
    with pytest.raises(ValueError, match=r"."):
        json.loads(answer.content)


def test_an_answer_without_a_body_becomes_malformed_too(api: Api) -> None:
    segment = api.app("POST", "/v1/segments", {"segment": {"name": "s"}}).json()["segment"]
    api.sandbox.fault(action="malformed_json", status=200)
    assert api.app("DELETE", f"/v1/segments/{segment['id']}").text == "{"


def test_an_html_page_comes_with_the_status_of_the_answer_or_its_own(api: Api) -> None:
    api.sandbox.faults.set([{"action": "html_page"}])
    answer = identify(api)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert api.known("x")
    api.sandbox.faults.set([{"action": "html_page", "status": 502, "body": "<h1>Bad gateway</h1>"}])
    assert (identify(api).status_code, identify(api).text) == (502, "<h1>Bad gateway</h1>")


def test_a_redirect_names_its_target_and_applies_nothing(api: Api) -> None:
    target = "https://track-eu.example/other"
    api.sandbox.faults.set([{"action": "redirect", "url": target}])
    answer = identify(api, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, target)
    api.sandbox.faults.set([{"action": "redirect", "url": target, "status": 301}])
    assert identify(api, allow_redirects=False).status_code == 301
    assert api.person("x") is None
    assert log(api) == [(307, False, "redirect"), (301, False, "redirect")]


def test_an_idle_connection_is_closed_without_a_word(api: Api) -> None:
    api.sandbox.fault(action="close_idle")
    with Wire(api) as wire:
        wire.identify("x")
        data = wire.read_all()
    assert data.startswith(b"HTTP/1.1 200 OK")
    assert data.endswith(b"\r\n\r\n{}\n")
    assert b"Connection:" not in data


@pytest.mark.parametrize("applied", [False, True])
def test_no_answer_hangs_until_the_client_leaves(api: Api, applied: bool) -> None:
    when = "after" if applied else "before"
    api.sandbox.fault(action=f"no_answer_{when}_applying", method="PUT")
    auth = (api.sandbox.site_id, api.sandbox.track_api_key)
    url = f"{api.sandbox.track_url}/api/v1/customers/x"
    with pytest.raises(requests.ReadTimeout):
        api.session.put(url, json={"plan": "x"}, auth=auth, timeout=LEAVES_SOON)
    api.sandbox.wait_for(1, timeout=PATIENCE)
    assert (api.person("x") is not None) is applied
    assert log(api) == [(None, applied, f"no_answer_{when}_applying")]


def test_no_answer_ends_with_its_delay(api: Api) -> None:
    api.sandbox.fault(action="no_answer_after_applying", delay=0.01)
    with Wire(api) as wire:
        wire.identify("x")
        assert wire.read_all() == CLOSED


def test_a_sandbox_that_stops_waits_for_no_fault(api: Api) -> None:
    with Sandbox() as sandbox, Wire(Api(sandbox)) as silent, Wire(Api(sandbox)) as late:
        sandbox.faults.set(
            [
                {"path": "*/silent", "action": "no_answer_after_applying"},
                {"path": "*/late", "delay": FOREVER},
            ]
        )
        silent.identify("silent")
        late.identify("late")
        sandbox.wait_for(2, timeout=PATIENCE)
        sandbox.close()
        assert (silent.read_all(), late.read_all()) == (CLOSED, CLOSED)


def test_every_action_on_every_kind_of_answer_keeps_the_server_alive(api: Api) -> None:
    """No action may bring down more than its own connection."""
    needs: dict[str, dict[str, Any]] = {
        "slow_body": {"bytes_per_second": 100_000},
        "redirect": {"url": "/elsewhere"},
        "no_answer_before_applying": {"delay": 0.001},
        "no_answer_after_applying": {"delay": 0.001},
    }
    for action, path in product(
        get_args(Action), ("/v1/segments", "/v1/campaigns/999", "/nowhere")
    ):
        api.sandbox.faults.set([{"action": action, **needs.get(action, {})}])
        with Wire(api) as wire:
            wire.sock.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            try:
                wire.read_all()
            except ConnectionResetError:
                assert action.startswith("reset_")
    assert api.app("GET", "/_sandbox/health").status_code == 200
    assert len(log(api)) == 3 * len(get_args(Action))
