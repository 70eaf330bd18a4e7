"""Options are shown without credentials and changed while the sandbox runs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Options, Sandbox
from tests.sandbox.control import change, control, refusal
from tests.support.sandbox_api import Api


def test_options_are_shown_without_credentials_and_changed_while_it_runs(api: Api) -> None:
    shown = control(api, "GET", "options").json()["options"]
    assert shown["merge_anonymous_events"] is True
    assert not {"site_id", "track_api_key", "app_api_key", "restricted_app_key"} & set(shown)
    changed = change(api, "PATCH", "options", {"null_attribute": "ignore", "environment_id": 7})
    assert changed["options"] == {**shown, "null_attribute": "ignore", "environment_id": 7}
    api.identify("x", plan="gold")
    api.identify("x", plan=None)
    assert api.known("x")["attributes"] == {"plan": "gold"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"delay": 1}, "options has no member 'delay'"),
        ({"delay_seconds": "1"}, "options.delay_seconds must be a number"),
        ({"delay_seconds": -1}, "options.delay_seconds must be 0 or more"),
        ({"max_body": 0}, "options.max_body must be 1 or more"),
        ({"merge_anonymous_events": 1}, "must be true or false"),
        ({"rate_limits": "loose"}, "must be one of relaxed, strict"),
        ({"track_redirect_status": 200}, "must be one of 301, 302, 307, 308"),
        ({"track_redirect_url": "https://x/path"}, "must be an origin"),
        ({"track_redirect_url": "ftp://x"}, "must be an origin"),
        ({"track_redirect_url": "https://x\r\nA: b"}, "must be an origin"),
        ({"app_api_key": "mine"}, "options.app_api_key is settled when the sandbox starts"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    api: Api, changes: dict[str, Any], words: str
) -> None:
    before = api.sandbox.options
    assert words in refusal(api, "PATCH", "options", changes)
    assert api.sandbox.options == before
    with pytest.raises(ValueError, match="options"):
        api.sandbox.configure(**changes)


SPELLINGS = [
    ("delay", "delay_seconds"),
    ("seconds", "delay_seconds"),
    ("delaySeconds", "delay_seconds"),
    ("Delay-Seconds", "delay_seconds"),
    ("rate_limit", "rate_limits"),
    ("device_move", "device_moves"),
    ("timeout", "idle_timeout"),
    ("track_key", "track_api_key"),
    ("after", "sent_after"),
]
each_spelling = pytest.mark.parametrize(("given", "meant"), SPELLINGS)


@each_spelling
def test_a_wrong_option_is_answered_with_the_nearest(api: Api, given: str, meant: str) -> None:
    told = [refusal(api, "PATCH", "options", {given: 1})]
    for attempt in (
        lambda: Sandbox(options={given: 1}),
        lambda: CustomerIoTool.sandbox(options={given: 1}),
        lambda: Options(**{given: 1}),  # type: ignore[arg-type]  # what is tried
        lambda: api.sandbox.configure(**{given: 1}),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            attempt()
        told.append(str(caught.value))
    suggested = [text.partition("did you mean ")[2].rstrip("?").split(" or ") for text in told]
    assert all(meant in each for each in suggested), told


OPERATIONS = [
    ("send_transactional_email", "send_email"),
    ("sendEmail", "send_email"),
    ("identify_customer", "identify"),
    ("track_page_view", "track"),
    ("get_customer_attributes", "get_attributes"),
    ("list_message", "list_messages"),
]


@pytest.mark.parametrize(("given", "meant"), OPERATIONS)
def test_a_wrong_operation_is_answered_with_the_nearest(api: Api, given: str, meant: str) -> None:
    hint = f"did you mean {meant}?"
    assert hint in refusal(api, "POST", "faults", {"operation": given, "status": 503})
    assert hint in refusal(api, "GET", f"requests?operation={given}", None)
    with pytest.raises(ValueError, match=re.escape(hint)):
        api.sandbox.fault(operation=given, status=503)
    with pytest.raises(ValueError, match=re.escape(hint)):
        api.sandbox.wait_for(operation=given)


@pytest.mark.parametrize("given", ["op", "waitFor", "wait", "time_out", "limit"])
def test_a_wrong_query_parameter_is_answered_with_those_there_are(api: Api, given: str) -> None:
    meant = {"waitFor": "wait_for", "wait": "wait_for", "time_out": "timeout", "op": "operation"}
    told = refusal(api, "GET", f"requests?{given}=1", None)
    assert f"{given!r}" in told
    assert meant.get(given, "after, operation, timeout, wait_for") in told


@pytest.mark.parametrize("path", ["state", "health", "options", "clock", "faults", "snapshots"])
def test_a_route_without_query_parameters_says_so(api: Api, path: str) -> None:
    assert "takes no query parameters" in refusal(api, "GET", f"{path}?operation=track", None)


@pytest.mark.parametrize(
    ("given", "meant"), [("option", "options"), ("request", "requests"), ("fault", "faults")]
)
def test_a_wrong_control_route_is_answered_with_the_nearest(
    api: Api, given: str, meant: str
) -> None:
    answer = control(api, "GET", given)
    assert answer.status_code == 501
    assert f"did you mean {meant}?" in answer.text


def test_a_wrong_member_of_a_rule_is_answered_with_the_nearest(api: Api) -> None:
    assert "did you mean retry_after?" in refusal(api, "POST", "faults", {"retryAfter": 1})
    assert "did you mean bytes_per_second?" in refusal(api, "POST", "faults", {"bytes": 1})


@pytest.mark.parametrize(
    ("rule", "meant"),
    [
        ({"action": "reset_after"}, "reset_after_applying"),
        ({"action": "malformed"}, "malformed_json"),
        ({"api": "Track"}, "track"),
    ],
)
def test_a_wrong_word_of_a_rule_is_answered_with_the_nearest(
    api: Api, rule: dict[str, str], meant: str
) -> None:
    assert f"did you mean {meant}?" in refusal(api, "POST", "faults", rule)


def test_a_wrong_word_of_an_option_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="one of relaxed, strict: did you mean strict"):
        Sandbox(options={"rate_limits": "Strict"})


def test_options_of_a_new_sandbox_are_a_mapping_or_options() -> None:
    given = {"delay_seconds": 30, "app_api_key": "own-app-key", "region": "eu"}
    with Sandbox(options=given) as sandbox, Sandbox(options=Options(**given)) as other:  # type: ignore[arg-type]  # of several types
        assert sandbox.options == other.options
        assert sandbox.connection()["app_api_key"] == "own-app-key"
        assert sandbox.options.delay_seconds == 30


def test_a_tool_on_a_new_sandbox_takes_its_options() -> None:
    with CustomerIoTool.sandbox(options={"push_enabled": False}) as tool:
        assert tool.local is not None
        assert not tool.local.options.push_enabled


@pytest.mark.parametrize(
    "given",
    [{"delay_seconds": "1"}, {"push_enabled": 1}, {"region": "mars"}, {"max_body": 0}, "delay", 5],
)
def test_options_of_a_new_sandbox_are_checked(given: Any) -> None:
    with pytest.raises(ValueError, match="options"):
        Sandbox(options=given)
    if isinstance(given, dict):
        with pytest.raises(ValueError, match="options"):
            Options(**given)
