"""What the console's forms change."""

from __future__ import annotations

import pytest

from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.options import Options
from tests.sandbox.console.browser import ATTACK, FORMS, forms, send, settings, token, visit
from tests.support.pages import Page
from tests.support.sandbox_api import NOW, Api
from tests.support.timeouts import PATIENCE


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_each_form_with_its_token_changes_something(
    kept: Api, path: str, fields: dict[str, str]
) -> None:
    before = settings(kept)
    answer = send(kept, path, fields)
    assert answer.status_code == 303
    assert settings(kept) != before
    page = visit(kept, answer.headers["Location"])
    assert page.all("p", role="status"), "the page says what was done"


def test_the_token_is_another_in_another_sandbox(api: Api) -> None:
    with Sandbox() as other:
        assert token(Api(other)) != token(api)


def test_a_browser_of_this_machine_may_send_forms(api: Api) -> None:
    origin = api.sandbox.track_url
    answer = send(
        api, "/console/faults/clear", {}, {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 303


def shown_options(api: Api) -> dict[str, str]:
    """The form of options as a browser would send it back."""
    page, name, form = visit(api, "/console/options"), "", {}
    for tag, each in page.elements:
        name = each.get("name", "") if tag in ("input", "select") else name
        if (tag == "input" and name) or (tag == "option" and "selected" in each):
            form[name] = each["value"]
    return form


def test_a_fault_form_makes_the_rule_that_it_says(api: Api) -> None:
    form = {
        "operation": "identify",
        "action": "answer",
        "status": "429",
        "retry_after": "1.5",
        "times": "2",
        "probability": "0.5",
        "delay": "",
        "api": "track",
    }
    send(api, "/console/faults/add", form)
    [shown] = api.sandbox.faults.shown()
    assert shown["rule"] == {
        "operation": "identify",
        "api": "track",
        "times": 2,
        "probability": 0.5,
        "status": 429,
        "retry_after": 1.5,
    }


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"status": "99"}, "status must lie between 200 and 599"),
        ({"nth": "x"}, "nth must be an integer"),
        ({"delay": "nan"}, "delay must be a number"),
        ({"operation": ATTACK}, "not one that is served"),
        ({"action": "redirect"}, "url belongs to action redirect"),
    ],
)
def test_a_fault_form_that_is_wrong_says_why_and_keeps_what_was_typed(
    api: Api, form: dict[str, str], words: str
) -> None:
    answer = send(api, "/console/faults/add", {**form, "path": ATTACK})
    assert answer.status_code == 400
    assert words in answer.text
    assert ATTACK not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert api.sandbox.faults.is_empty


def test_the_form_of_options_changes_those_that_it_has_otherwise(api: Api) -> None:
    api.sandbox.configure(last_page_next=None, auto_merge=False)
    form = {
        **shown_options(api),
        "delay_seconds": "1.5",
        "trigger_queue": "",
        "push_enabled": "false",
        "track_redirect_status": "307",
        "track_redirect_url": "https://track-eu.example",
        "delete_used_segment": "not_found",
    }
    assert send(api, "/console/options/set", form).status_code == 303
    assert api.sandbox.options == Options(
        delay_seconds=1.5,
        push_enabled=False,
        auto_merge=False,
        track_redirect_status=307,
        track_redirect_url="https://track-eu.example",
        delete_used_segment="not_found",
        last_page_next=None,
    )


def test_the_form_of_options_as_it_is_shown_changes_nothing(api: Api) -> None:
    api.sandbox.configure(last_page_next=None, delay_seconds=1, track_redirect_url="http://a.test")
    before = api.sandbox.options
    send(api, "/console/options/set", shown_options(api))
    assert api.sandbox.options == before


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"delay_seconds": "soon"}, "options.delay_seconds must be a number"),
        ({"delay_seconds": "-1"}, "options.delay_seconds must be 0 or more"),
        ({"trigger_queue": "1.5"}, "options.trigger_queue must be an integer"),
        ({"rate_limits": "strickt"}, "did you mean strict"),
        ({"track_redirect_url": ATTACK}, "must be an origin"),
    ],
)
def test_a_form_of_options_that_is_wrong_says_why_and_keeps_what_was_typed(
    api: Api, form: dict[str, str], words: str
) -> None:
    before = api.sandbox.options
    answer = send(api, "/console/options/set", {"sent_after": "7", **form})
    assert answer.status_code == 400
    assert words in answer.text
    assert ATTACK not in answer.text
    assert Page(answer).all("input", name="sent_after")[0]["value"] == "7"
    assert api.sandbox.options == before


def test_a_form_of_options_sets_no_credential(api: Api) -> None:
    before = api.sandbox.options
    send(api, "/console/options/set", {"app_api_key": "another"})
    assert api.sandbox.options == before


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"move": "advance", "seconds": "3600"}, NOW + 3600),
        ({"move": "set", "time": "2027-01-16T08:00"}, NOW + 86400),
        ({"move": "set", "time": "2027-01-15T08:00:30"}, NOW + 30),
    ],
)
def test_the_clock_moves_as_the_form_says(api: Api, form: dict[str, str], expected: float) -> None:
    send(api, "/console/clock", form)
    assert api.sandbox.clock.now() == expected


def test_the_clock_runs_and_freezes_by_click(api: Api) -> None:
    send(api, "/console/clock", {"move": "resume"})
    assert not api.sandbox.clock.is_frozen
    send(api, "/console/clock", {"move": "freeze"})
    assert api.sandbox.clock.is_frozen


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/console/clock", {"move": "advance", "seconds": "-1"}),
        ("/console/clock", {"move": "advance", "seconds": ""}),
        ("/console/clock", {"move": "advance", "seconds": "nan"}),
        ("/console/clock", {"move": "set", "time": "soon"}),
        ("/console/clock", {"move": "set", "time": "0001-01-01T00:00"}),
        ("/console/clock", {"move": "x"}),
        ("/console/snapshots/take", {"name": ""}),
        ("/console/snapshots/take", {"name": "x" * 101}),
        ("/console/snapshots/drop", {"name": ATTACK}),
        ("/console/reset", {"to": "x"}),
        ("/console/reset", {}),
    ],
)
def test_a_form_that_is_wrong_changes_nothing_and_says_so(
    api: Api, path: str, form: dict[str, str]
) -> None:
    before = settings(api)
    answer = send(api, path, form)
    assert answer.status_code in (400, 404)
    assert ATTACK not in answer.text
    assert settings(api) == before


def test_a_restored_snapshot_is_shown_at_once(kept: Api) -> None:
    assert "later" in visit(kept, "/console/people").words
    send(kept, "/console/snapshots/restore", {"name": "kept"})
    assert "later" not in visit(kept, "/console/people").words


def test_the_form_of_a_hostile_snapshot_names_it_unchanged(api: Api) -> None:
    api.sandbox.snapshot(ATTACK)
    names = {
        each["value"]
        for each in visit(api, "/console/workspace").all("input", name="name")
        if "value" in each
    }
    assert names == {ATTACK}
    assert send(api, "/console/snapshots/drop", {"name": ATTACK}).status_code == 303
    assert api.sandbox.application.snapshots.names() == []


def test_no_form_is_left_out_here() -> None:
    assert {path for path, _ in FORMS} == forms()


def test_a_form_is_answered_when_the_log_is_busy(api: Api) -> None:
    url = f"{api.sandbox.track_url}/console/requests/stream"
    with api.session.get(url, stream=True, timeout=PATIENCE):
        assert send(api, "/console/reset", {"to": "seed"}).status_code == 303
