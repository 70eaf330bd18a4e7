"""A rule of faults hits the requests it names; one that makes no sense is refused."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.sandbox.serving.faults import read
from tests.sandbox.raw import identify
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

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
        f"{api.sandbox.app_url}/_sandbox/faults", headers=json_type, timeout=PATIENCE
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
