"""A person tries a call: fills in a form, sees what went out, what came back and what changed."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any

import pytest

from customerio_tool import CustomerIoTool, Policy
from customerio_tool.doors.workbench.trials import KEPT
from tests.sandbox.console.browser import ATTACK, RTL
from tests.support.page_forms import PageForm
from tests.support.pages import Page
from tests.support.workbench import Bench


@pytest.fixture
def bench(begun_anew: Bench) -> Bench:
    return begun_anew


def form(page: Page, name: str) -> dict[str, str]:
    return PageForm(page, f"/try/{name}").fields


def tried(bench: Bench, subtool: str, action: str = "call", /, **arguments: str) -> Page:
    """Fill in a form, send it, and return the page to which it leads."""
    fields = form(bench.get(f"/try/{subtool}"), subtool)
    given = {f"arg.{each}": value for each, value in arguments.items()}
    assert given.keys() <= fields.keys()
    return bench.post(f"/try/{subtool}", {**fields, **given, "action": action})


def outside_of_fields(page: Page) -> str:
    """Return the words of a page that no field of a form holds."""
    return re.sub(r"(?s)<textarea.*?</textarea>|<[^>]*>", "", page.response.text)


def envelope(bench: Bench) -> dict[str, Any]:
    found = bench.workspace.trials.newest[0].envelope
    assert found is not None
    return found


# The form


def test_the_subtools_are_listed_and_a_search_finds_them_by_their_words(bench: Bench) -> None:
    links = bench.get("/try").links
    assert {"/try/track_event", "/try/list_messages"} <= set(links)
    links = bench.get("/try?q=push%20SEND").links
    assert [each for each in links if each.startswith("/try/")] == [
        "/try/send_transactional_push?q=push%20SEND",
        *(each for each in links if each.startswith("/try/") and "?example" in each),
    ]
    assert "No subtool is found" in bench.get("/try?q=nothing+like+it").words


def test_a_subtool_that_may_not_run_is_shown_with_the_reason(bench: Bench) -> None:
    bench.workspace.policy = Policy.reads().only(["list_segments"])
    page = bench.get("/try/track_event")
    assert "This agent may only read, and track_event writes." in page.words
    assert "Switched off" in page.words
    offered = [each for each in page.all("button", name="action") if "disabled" not in each]
    assert {each["value"] for each in offered} == {"form", "json"}


def test_what_was_typed_goes_along_to_the_json_and_back(bench: Bench) -> None:
    typed = {
        "customer_id": " ada\t",
        "attributes": '{"a": [1, null], "text": "ö"}',
        "unsubscribed": "false",
        "relationships": '[{"object_type_id": "1", "object_id": "acme"}]',
    }
    page = tried(bench, "identify_customer", "json", **typed)
    as_json = form(page, "identify_customer")["json"]
    assert json.loads(as_json) == {
        "customer_id": " ada\t",
        "attributes": {"a": [1, None], "text": "ö"},
        "unsubscribed": False,
        "relationships": [{"object_type_id": "1", "object_id": "acme"}],
    }
    page = bench.post(
        "/try/identify_customer", {**form(page, "identify_customer"), "action": "form"}
    )
    fields = form(page, "identify_customer")
    assert fields["arg.customer_id"] == " ada\t"
    assert json.loads(fields["arg.attributes"]) == {"a": [1, None], "text": "ö"}
    assert fields["arg.unsubscribed"] == "false"
    assert bench.local.requests() == []


def test_numbers_lists_and_lines_are_read_as_they_are_meant(bench: Bench) -> None:
    tried(bench, "add_to_segment", segment_id="1", customer_ids="u1\r\n\r\nu2\r\n")
    assert bench.local.requests()[-1]["json"] == {"ids": ["u1", "u2"]}
    body = "<p>One</p>\r\n<p>Two</p>"
    page = tried(bench, "track_event", "json", customer_id="u1", name="n", data="{bad")
    assert json.loads(form(page, "track_event")["json"])["data"] == "{bad"
    fields = form(bench.get("/try/send_transactional_email?as=json"), "send_transactional_email")
    text = json.dumps({"to": "a@example.com", "body": body.replace("\r\n", "\n")})
    page = bench.post("/try/send_transactional_email", {**fields, "json": text, "action": "form"})
    assert form(page, "send_transactional_email")["arg.body"] == body


def test_an_argument_that_there_is_not_stays_in_the_form_with_its_problem(bench: Bench) -> None:
    fields = form(bench.get("/try/track_event?as=json"), "track_event")
    text = '{"customer_id": "u1", "event": "bought"}'
    page = bench.post("/try/track_event", {**fields, "json": text, "action": "call"})
    page = bench.post("/try/track_event", {**form(page, "track_event"), "action": "form"})
    assert form(page, "track_event")["arg.event"] == "bought"


def test_text_that_is_no_json_stays_as_it_was_typed(bench: Bench) -> None:
    for text in ('{"name": ', "[1]", '{"a": 1, "a": 2}', '{"name": "\\ud800"}', "[" * 9_000):
        fields = form(bench.get("/try/track_event?as=json"), "track_event")
        page = bench.post("/try/track_event", {**fields, "json": text, "action": "call"})
        assert page.status == 200
        assert envelope(bench)["error"]["code"] == "arguments_invalid"
        assert form(page, "track_event")["json"] == text
    assert bench.local.requests() == []


def test_a_problem_stands_beside_its_field(bench: Bench) -> None:
    page = tried(bench, "track_event", customer_id="u1", data="{bad")
    wrong = {each["name"] for each in page.all("input") if "aria-invalid" in each}
    wrong |= {each["name"] for each in page.all("textarea") if "aria-invalid" in each}
    assert wrong == {"arg.name", "arg.data"}
    assert "is not valid JSON; check its quotes and brackets." in page.words
    assert form(page, "track_event")["arg.data"] == "{bad"


def test_an_advised_call_fills_the_next_form(bench: Bench) -> None:
    page = tried(bench, "track_event", customer_id="u1", name="n", timestamp="2025-01-01")
    page = tried(bench, "add_device", customer_id="u1", device_id="t", platform="ios")
    [verify] = [each for each in page.links if ".verify" in each]
    fields = form(bench.get(verify), verify.split("?")[0].rpartition("/")[2])
    assert "u1" in fields.values()


# The call


def test_a_form_that_is_sent_twice_calls_once(bench: Bench) -> None:
    fields = form(bench.get("/try/track_event?example=1"), "track_event")
    first = bench.sent("/try/track_event", {**fields, "action": "call"})
    again = bench.sent("/try/track_event", {**fields, "action": "call"})
    assert len(bench.local.requests()) == 1
    assert again.headers["location"].startswith(first.headers["location"])
    assert "was called once" in bench.get(again.headers["location"]).words


def test_a_call_under_way_has_a_page_and_is_not_made_again(bench: Bench) -> None:
    bench.local.fault(operation="track", delay=0.5)
    fields = {**form(bench.get("/try/track_event?example=1"), "track_event"), "action": "call"}
    with ThreadPoolExecutor() as threads:
        first = threads.submit(bench.sent, "/try/track_event", fields)
        while not bench.workspace.trials.newest:
            sleep(0.01)
        page = bench.post("/try/track_event", fields)
        assert "under way" in page.words
        assert "Changed: 1 event" in bench.get(first.result().headers["location"]).words
    assert len(bench.local.requests()) == 1


def test_a_form_that_was_changed_after_a_step_back_is_looked_at_again(bench: Bench) -> None:
    fields = form(bench.get("/try/track_event?example=1"), "track_event")
    bench.post("/try/track_event", {**fields, "action": "call"})
    page = bench.post("/try/track_event", {**fields, "arg.name": "other", "action": "call"})
    assert "Nothing was called" in page.words
    assert form(page, "track_event")["arg.name"] == "other"
    assert len(bench.local.requests()) == 1


def test_a_result_can_be_loaded_again_without_a_call(bench: Bench) -> None:
    fields = form(bench.get("/try/track_event?example=1"), "track_event")
    result = bench.sent("/try/track_event", {**fields, "action": "call"}).headers["location"]
    pages = {bench.get(result).words for _ in range(3)}
    assert "Changed: 1 event" in pages.pop()
    assert len(bench.local.requests()) == 1
    assert result in bench.get("/try").links


def test_a_form_without_its_number_calls_nothing_and_keeps_what_was_typed(bench: Bench) -> None:
    fields = form(bench.get("/try/track_event?example=1"), "track_event")
    page = bench.post("/try/track_event", {**fields, "ticket": "invented", "action": "call"})
    assert "Nothing was called" in page.words
    assert form(page, "track_event")["arg.customer_id"] == fields["arg.customer_id"]
    other = form(bench.get("/try/add_device"), "add_device")["ticket"]
    bench.post("/try/track_event", {**fields, "ticket": other, "action": "call"})
    assert bench.local.requests() == []


def test_each_attempt_is_shown_and_why_it_was_repeated(bench: Bench) -> None:
    bench.local.fault(operation="list_segments", status=503, times=1)
    page = tried(bench, "list_segments")
    assert "attempt 2" in page.words
    assert "failed" in page.words
    assert "Authorization: ***" in page.words
    kinds = [isinstance(what, str) for _, what in bench.workspace.trials.newest[0].steps]
    assert kinds == [False, True, False]


def test_the_read_of_a_target_is_shown_as_such(bench: Bench) -> None:
    assert "read of the target" in tried(bench, "delete_customer", customer_id="u1").words


def test_under_a_policy_of_dry_runs_a_call_sends_nothing(bench: Bench) -> None:
    bench.workspace.policy = bench.workspace.policy.model_copy(update={"dry_run": True})
    page = tried(bench, "delete_customer", customer_id="u1")
    assert "The request that would be sent" in page.words
    assert bench.local.requests() == []


def test_a_call_that_a_person_must_approve_leads_to_the_approvals(bench: Bench) -> None:
    bench.workspace.policy = Policy.careful()
    page = tried(bench, "delete_customer", customer_id="u1")
    assert "It waits for a person." in page.words
    assert "/approvals" in page.links
    assert {each["method"] for each in bench.local.requests()} == {"GET"}


def test_a_call_that_must_be_asked_twice_has_a_button_for_the_second_time(bench: Bench) -> None:
    bench.workspace.policy = Policy(confirm="repeat")
    page = tried(bench, "delete_segment", segment_id="1")
    assert {each["method"] for each in bench.local.requests()} == {"GET"}
    [again] = [each for each in page.links if ".token" in each]
    fields = form(bench.get(again), "delete_segment")
    bench.post("/try/delete_segment", {**fields, "action": "call"})
    assert envelope(bench)["ok"]


# The effect


def test_the_effect_is_told_by_person_with_what_was_before_and_after(bench: Bench) -> None:
    bench.local.seed({"people": [{"id": "zed", "attributes": {"plan": "free", "seats": 3}}]})
    attributes = '{"plan": "pro", "seats": null, "city": "Zürich"}'
    page = tried(bench, "identify_customer", customer_id="zed", attributes=attributes)
    words = " ".join(page.words.split())
    for line in ("~ plan free → pro", "− seats 3", "+ city Zürich"):  # noqa: RUF001 - the sign
        assert line in words.replace("−seats", "− seats").replace("~plan", "~ plan"), line  # noqa: RUF001


def test_what_a_merge_takes_over_is_told_of_the_person_who_survives(bench: Bench) -> None:
    page = tried(bench, "merge_customers", primary_id="u1", secondary_id="u6")
    assert "event, taken over" in page.words
    assert "One earlier delivery stays" in page.words
    assert not re.search("Changed: .*deliver", page.words)


def test_a_fault_that_hit_a_request_is_told_apart_from_quiet_reasons(bench: Bench) -> None:
    bench.local.fault(operation="track", status=503, times=1)
    page = tried(bench, "track_event", customer_id="u1", name="n")
    assert "A fault hit request 1: answer" in page.words
    assert "Quietly" not in page.words
    assert "Refused: " in tried(bench, "get_campaign", campaign_id="99").words


def test_a_quiet_reason_is_told(bench: Bench) -> None:
    page = tried(bench, "unsuppress_customer", customer_id="nobody")
    assert "Nothing changed." in page.words
    assert "Quietly: not suppressed: nobody" in page.words


def test_an_effect_that_is_still_to_come_is_told_and_seen_later(bench: Bench) -> None:
    bench.local.configure(delay_seconds=30)
    page = tried(bench, "track_event", customer_id="u1", name="bought")
    assert "Accepted, and not applied yet" in page.words
    bench.local.clock.advance(31)
    number = bench.workspace.trials.newest[0].number
    assert "Changed: 1 event" in bench.get(f"/try/track_event?result={number}").words


def test_calls_of_others_meanwhile_are_not_told_as_effects_of_a_call(bench: Bench) -> None:
    bench.local.fault(operation="identify", delay=0.3)
    with (
        CustomerIoTool(bench.local.connection()) as other,
        ThreadPoolExecutor() as threads,
    ):
        page = threads.submit(tried, bench, "identify_customer", customer_id="zed")
        while not bench.workspace.trials.newest:
            sleep(0.01)
        assert other.call("track_event", {"customer_id": "stranger", "name": "x"})["ok"]
    assert "zed" in page.result().words
    assert "stranger" not in page.result().words


def test_a_message_is_shown_in_a_frame_that_runs_no_script(bench: Bench) -> None:
    page = tried(
        bench,
        "send_transactional_email",
        to="ada@example.com",
        customer_id="u1",
        subject="Hi",
        body=ATTACK,
        from_address="a@example.com",
    )
    [frame] = page.all("iframe")
    assert frame["sandbox"] == ""
    answer = bench.session.get(bench.url + frame["src"])
    assert ATTACK in answer.text
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox"} <= set(policy)
    assert page.script == ""


# What no page shows


@pytest.mark.parametrize("key", ["track_api_key", "app_api_key"])
def test_no_page_shows_a_key_that_a_reply_echoes(bench: Bench, key: str) -> None:
    value = getattr(bench.local, key)
    bench.local.fault(status=400, body=json.dumps({"errors": [{"detail": f"no {value}"}]}))
    for name, arguments in (
        ("track_event", {"customer_id": "u1", "name": "n"}),
        ("get_segment", {"segment_id": "1"}),
    ):
        page = tried(bench, name, **arguments)
        assert "***" in page.words
        assert value not in page.response.text
        assert value not in repr(bench.workspace.trials.newest[0])


def test_a_key_that_is_typed_is_neither_sent_nor_shown(bench: Bench) -> None:
    value = bench.local.app_api_key
    for action in ("call", "dry_run", "json"):
        page = tried(bench, "track_event", action, customer_id="u1", name=f"x {value} y")
        assert page.status == 400
        assert value not in page.response.text
    assert bench.local.requests() == []


def test_hostile_values_are_shown_and_not_obeyed(bench: Bench) -> None:
    for value in (ATTACK, RTL):
        bench.local.seed({"segments": [{"name": value}]})
        for name, arguments in (
            ("track_event", {"customer_id": value[:50], "name": value[:50], "data": value}),
            ("identify_customer", {"customer_id": "x", "attributes": json.dumps({value: value})}),
            ("list_segments", {"name_contains": value[:9]}),
            ("create_manual_segment", {"name": f"{value} 2"}),
        ):
            page = tried(bench, name, **arguments)
            assert page.status == 200
            assert page.script == ""
            assert not page.all("img")
            assert RTL[0] not in outside_of_fields(page)
            page = tried(bench, name, "json", **arguments)
            assert not page.all("img")


def test_only_so_many_results_are_kept(bench: Bench) -> None:
    trials = bench.workspace.trials
    for _ in range(KEPT + 3):
        draft = trials.keep("track_event", {}, "")
        trials.begin(trials.ticket("track_event"), "track_event", draft, is_dry=True)
    assert len(trials.newest) == KEPT
    assert bench.get("/try/track_event?result=2").status == 200
