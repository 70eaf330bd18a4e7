from __future__ import annotations

import json
import socket
from email.utils import parsedate_to_datetime
from itertools import product
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.faults import Action, read
from tests.sandbox.api import Api

FOREVER = 3600  # seconds: a test that waited for it would hang, and be seen
CLOSED = b""


class Wire:
    """One raw connection, so that nothing is retried, repaired or hidden."""

    def __init__(self, api: Api) -> None:
        where = urlsplit(api.sandbox.track_url)
        self._auth = api.basic()["Authorization"]
        self.sock = socket.create_connection((where.hostname or "", where.port or 0), timeout=10)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def identify(self, identifier: str) -> None:
        body = b'{"plan":"x"}'
        head = (
            f"PUT /api/v1/customers/{identifier} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {self._auth}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.sock.sendall(head.encode() + body)

    def read_head(self) -> bytes:
        """What comes until the empty line, and what came with it."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.sock.recv(1)
            assert piece, data
            data += piece
        return data

    def read_all(self) -> bytes:
        """Everything until the server closes."""
        return b"".join(iter(lambda: self.sock.recv(65536), b""))


@pytest.fixture
def api(api: Api) -> Api:
    """A second try by the library would blur what one request sees."""
    api.session.mount("http://", requests.adapters.HTTPAdapter(max_retries=0))
    return api


def log(api: Api) -> list[tuple[Any, ...]]:
    return [(e["status"], e["applied"], e["fault"]) for e in api.sandbox.requests()]


def identify(api: Api, identifier: str = "x", **more: Any) -> requests.Response:
    return api.track("PUT", f"/api/v1/customers/{identifier}", {"plan": "x"}, **more)


# --- what a fault does


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
            session.get(url, verify=sandbox.ca_file, timeout=10)


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
    """Facts 4: Track may drop what exceeds its limit."""
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
    assert ahead in (119, 120)  # whole seconds, written one after the other


def test_a_delay_before_applying_lets_the_client_go_first(api: Api) -> None:
    api.sandbox.fault(delay=FOREVER, delay_before="applying")
    with pytest.raises(requests.ReadTimeout):
        api.session.get(f"{api.sandbox.app_url}/v1/segments", timeout=0.2)
    assert log(api) == []


def test_a_delay_before_answering_hides_that_it_happened(api: Api) -> None:
    active = api.sandbox.fault(delay=FOREVER, method="PUT")
    auth = (api.sandbox.site_id, api.sandbox.track_api_key)
    url = f"{api.sandbox.track_url}/api/v1/customers/x"
    with pytest.raises(requests.ReadTimeout):
        api.session.put(url, json={"plan": "x"}, auth=auth, timeout=0.2)
    api.sandbox.wait_for(1)
    assert active.fired == 1
    assert api.known("x")


def test_a_short_delay_only_takes_its_time(api: Api) -> None:
    for before in ("applying", "answering"):
        api.sandbox.faults.set([{"delay": 0.001, "delay_before": before}])
        assert identify(api).status_code == 200
    assert log(api) == [(200, True, "answer")] * 2


def test_a_slow_body_drips(api: Api) -> None:
    api.sandbox.fault(action="slow_body", bytes_per_second=1)
    with Wire(api) as wire:
        wire.identify("x")
        assert b"Content-Length: 3" in wire.read_head()
        assert wire.sock.recv(65536) == b"{"  # the rest is a second away


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
        api.session.put(url, json={"plan": "x"}, auth=auth, timeout=0.2)
    api.sandbox.wait_for(1)
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
        sandbox.wait_for(2)
        sandbox.close()
        assert (silent.read_all(), late.read_all()) == (CLOSED, CLOSED)


# --- which requests it hits


def outcomes(to: Api, count: int, **rule: Any) -> str:
    """Which of so many identify calls failed, as ``x``; those that passed are dots."""
    to.sandbox.faults.set([{"status": 503, **rule}])
    statuses = [identify(to).status_code for _ in range(count)]
    return "".join("x" if status == 503 else "." for status in statuses)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, "xxxxxx"),
        ({"nth": 2}, ".x...."),
        ({"every": 3}, "..x..x"),
        ({"times": 2}, "xx...."),
        ({"every": 2, "times": 2}, ".x.x.."),
        ({"probability": 0}, "......"),
        ({"probability": 1.0}, "xxxxxx"),
        ({"operation": "identify"}, "xxxxxx"),
        ({"operation": "delete"}, "......"),
        ({"method": "PUT", "api": "track"}, "xxxxxx"),
        ({"method": "put"}, "xxxxxx"),
        ({"method": "POST"}, "......"),
        ({"api": "app"}, "......"),
        ({"path": "/api/v1/customers/*"}, "xxxxxx"),
        ({"path": "/api/v1/customers/y"}, "......"),
    ],
)
def test_a_rule_hits_what_it_says(api: Api, rule: dict[str, Any], expected: str) -> None:
    assert outcomes(api, 6, **rule) == expected


def test_chance_repeats_with_its_seed(api: Api) -> None:
    first = outcomes(api, 30, probability=0.5, seed=7)
    assert {*first} == {"x", "."}
    assert outcomes(api, 30, probability=0.5, seed=7) == first
    assert outcomes(api, 30, probability=0.5, seed=8) != first


def test_the_first_rule_that_is_due_hits_and_all_that_fit_count(api: Api) -> None:
    api.sandbox.faults.set([{"status": 500, "times": 1}, {"status": 502, "nth": 2}])
    assert [identify(api).status_code for _ in range(3)] == [500, 502, 200]
    counts = [(each["matched"], each["fired"]) for each in api.sandbox.faults.shown()]
    assert counts == [(3, 1), (3, 1)]


def test_what_is_not_served_can_fail_as_well(api: Api) -> None:
    api.sandbox.fault(operation="unknown", status=500)
    assert api.app("GET", "/v1/newsletters").status_code == 500
    assert api.app("GET", "/v1/segments").status_code == 200


def test_control_never_fails_on_demand(api: Api) -> None:
    api.sandbox.fault(status=500)
    assert api.app("GET", "/_sandbox/health").status_code == 200


# --- how rules are given


def test_rules_are_set_added_shown_and_cleared_over_http(api: Api) -> None:
    rule = {"operation": "send_email", "action": "reset_after_applying", "times": 1}
    shown = {"rule": rule, "matched": 0, "fired": 0}
    put = api.app("PUT", "/_sandbox/faults", {"faults": [rule]})
    assert put.json() == {"faults": [shown]}
    added = api.app("POST", "/_sandbox/faults", {"status": 503})
    assert added.json()["faults"][1]["rule"] == {"status": 503}
    assert identify(api).status_code == 503
    listed = api.app("GET", "/_sandbox/faults").json()["faults"]
    assert listed == [shown, {"rule": {"status": 503}, "matched": 1, "fired": 1}]
    json_type = {"Content-Type": "application/json"}
    cleared = api.session.delete(
        f"{api.sandbox.app_url}/_sandbox/faults", headers=json_type, timeout=10
    )
    assert cleared.json() == {"faults": []}
    assert identify(api).status_code == 200


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"acton": "cut_body"}, "did you mean action"),
        ({"action": "explode"}, "faults[0].action must be one of answer"),
        ({"operation": "send_mail"}, "did you mean send_email"),
        ({"status": "503"}, "status must be an integer or null"),
        ({"status": 99}, "between 200 and 599"),
        ({"method": "PSOT"}, "did you mean POST"),
        ({"times": 0}, "times must be 1 or more"),
        ({"times": True}, "times must be an integer"),
        ({"probability": 1.5}, "between 0 and 1"),
        ({"delay": -1}, "between 0 and 3600"),
        ({"retry_after": -1, "status": 429}, "retry_after must be 0 or more"),
        ({"headers": {"a": "b\r\nc: d"}}, "printable"),
        ({"headers": {"a": 1}}, "an object, each member a string"),
        ({"action": "redirect"}, "url belongs to action redirect"),
        ({"url": "http://x"}, "url belongs to action redirect"),
        ({"action": "redirect", "url": "a\nb"}, "printable"),
        ({"action": "slow_body"}, "bytes_per_second belongs to action slow_body"),
        ({"action": "reset_after_applying", "status": 500}, "sends no answer"),
        ({"action": "reset_before_applying", "apply": True}, "sends no answer"),
        ("cut_body", "must be an object"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_the_reason(
    api: Api, rule: Any, word: str
) -> None:
    api.sandbox.fault(status=503)
    answer = api.app("PUT", "/_sandbox/faults", {"faults": [rule]})
    assert answer.status_code == 400
    assert word in answer.json()["errors"][0]["detail"]
    assert len(api.sandbox.faults.shown()) == 1, "the rules before must stay"
    with pytest.raises(ValueError, match=r"faults\[0\]"):
        api.sandbox.faults.set([rule])


@pytest.mark.parametrize("body", ["\ud800", {"a": float("nan")}, {1, 2}, b"bytes"])
def test_a_body_from_python_must_have_bytes(api: Api, body: Any) -> None:
    with pytest.raises(ValueError, match="body must be text"):
        api.sandbox.fault(body=body)


@pytest.mark.parametrize("body", [{}, {"faults": {}}, {"faults": [], "more": 1}])
def test_a_list_of_rules_must_be_one(api: Api, body: Any) -> None:
    assert api.app("PUT", "/_sandbox/faults", body).status_code == 400


_RULES = st.dictionaries(
    st.sampled_from(["action", "status", "nth", "headers", "body", "delay", "apply", "url", "x"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    ),
)


@given(_RULES)
def test_no_rule_is_worse_than_refused(rule: dict[str, Any]) -> None:
    try:
        fault = read(rule, ["identify"])
    except ValueError:
        return
    assert read(fault.shown(), ["identify"]) == fault


@pytest.mark.parametrize("api_with", [{"fault_header": True}], indirect=True)
def test_a_request_may_ask_for_its_own_fault_where_that_is_allowed(api_with: Api) -> None:
    def asking(text: str) -> requests.Response:
        headers = {"X-Sandbox-Fault": text}
        return api_with.track("GET", "/api/v1/accounts/region", headers=headers)

    assert asking('{"status": 503}').status_code == 503
    assert asking("html_page").text.startswith("<!DOCTYPE")
    for text in ("explode", "{", '{"status": 1}'):
        refused = asking(text)
        assert (refused.status_code, "X-Sandbox-Fault" in refused.text) == (400, True)


def test_a_fault_header_does_nothing_unless_allowed(api: Api) -> None:
    headers = {"X-Sandbox-Fault": '{"status": 503}'}
    assert api.track("PUT", "/api/v1/customers/x", {}, headers=headers).status_code == 200


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
            wire.sock.settimeout(10)
            try:
                wire.read_all()
            except ConnectionResetError:
                assert action.startswith("reset_")
    assert api.app("GET", "/_sandbox/health").status_code == 200
    assert len(log(api)) == 3 * len(get_args(Action))
