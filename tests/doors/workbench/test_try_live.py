"""On a live workspace a call that changes something is asked about once more."""

from __future__ import annotations

import pytest
import responses

from customerio_tool import Connection, Policy
from customerio_tool.backends import Backends
from customerio_tool.deadline import Clock
from customerio_tool.doors.ground import Ground
from customerio_tool.doors.workbench import calling
from customerio_tool.doors.workbench.trials import Trial
from customerio_tool.doors.workbench.workspaces import Workspace
from tests.support.clients import SAVED_US
from tests.support.page_forms import PageForm
from tests.support.workbench import Bench

TRACK, APP = "https://track.customer.io", "https://api.customer.io"


@pytest.fixture
def live(bench: Bench, net: responses.RequestsMock) -> Bench:
    """A workbench whose pages are about a live workspace; Customer.io accepts what comes."""
    net.add_passthru("http://127.0.0.1")
    net.post(f"{TRACK}/api/v1/customers/u1/events", json={})
    net.get(f"{APP}/v1/segments", json={"segments": []})
    ground = Ground(Connection.load(SAVED_US), Backends.on_clock(Clock()))
    made = bench.workspaces.add_connection("Acme", ground, Policy.open())
    made.found = {"workspace_id": 4711}
    return bench


def form(bench: Bench, path: str) -> dict[str, str]:
    return PageForm(bench.get(path), path.partition("?")[0]).fields


def test_a_call_is_made_only_after_a_page_that_says_what_it_does(
    live: Bench, net: responses.RequestsMock
) -> None:
    fields = form(live, "/try/track_event?example=1")
    answer = live.sent("/try/track_event", {**fields, "action": "call"})
    where = answer.headers["location"]
    page = live.get(where)
    assert "This changes the workspace." in page.words
    assert "Acme, 4711" in page.words
    assert "Tracks an event for a known person." in page.words
    assert len(net.calls) == 0

    asked = PageForm(page, "/try/track_event/confirm").fields
    done = live.post("/try/track_event/confirm", asked)
    assert len(net.calls) == 1
    assert f"{TRACK}/api/v1/customers/u1/events" in done.words
    live.post("/try/track_event/confirm", asked)
    assert len(net.calls) == 1


def test_the_page_of_a_send_says_that_it_reaches_people_and_whom(live: Bench) -> None:
    fields = form(live, "/try/trigger_broadcast?example=2")
    page = live.post("/try/trigger_broadcast", {**fields, "action": "call"})
    assert "This reaches people." in page.words
    assert "30" in page.words


def test_no_form_but_that_page_confirms_a_call(live: Bench, net: responses.RequestsMock) -> None:
    fields = form(live, "/try/track_event?example=1")
    where = live.sent("/try/track_event", {**fields, "action": "call"}).headers["location"]
    draft = where.rpartition("=")[2]
    for ticket in (fields["ticket"], ""):
        live.post("/try/track_event/confirm", {"draft": draft, "ticket": ticket})
    assert len(net.calls) == 0


def test_a_dry_run_comes_first_and_a_read_is_not_asked_about(
    live: Bench, net: responses.RequestsMock
) -> None:
    page = live.get("/try/list_segments")
    assert page.all("button", name="action")[0]["value"] == "dry_run"
    fields = PageForm(page, "/try/list_segments").fields
    page = live.post("/try/list_segments", {**fields, "action": "call"})
    assert "0 of 0 segments" in page.words
    assert len(net.calls) == 1
    dry = live.post(
        "/try/track_event", {**form(live, "/try/track_event?example=1"), "action": "dry_run"}
    )
    assert "The request that would be sent" in dry.words
    assert len(net.calls) == 1


def test_a_call_that_was_not_asked_about_stays_dry_when_the_policy_opens_meanwhile(
    live: Bench, net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.workspace.policy = Policy.load({"preset": "open", "dry_run": True})
    fields = form(live, "/try/track_event?example=1")
    make = calling.make

    def opened_meanwhile(workspace: Workspace, trial: Trial) -> None:
        workspace.policy = Policy.open()
        make(workspace, trial)

    monkeypatch.setattr(calling, "make", opened_meanwhile)
    page = live.post("/try/track_event", {**fields, "action": "call"})
    assert "The request that would be sent" in page.words
    assert len(net.calls) == 0


def test_a_form_that_was_opened_for_the_sandbox_calls_nothing_live(
    live: Bench, net: responses.RequestsMock
) -> None:
    live.workspaces.choose("local")
    fields = form(live, "/try/list_segments")
    live.workspaces.choose(next(each.key for each in live.workspaces.all if each.is_live))
    page = live.post("/try/list_segments", {**fields, "action": "call"})
    assert "Nothing was called" in page.words
    assert len(net.calls) == 0
    assert live.local.requests() == []


@pytest.mark.parametrize("body", ['{"customer": %s}', '{"customer": %s, "cut": '])
def test_the_wire_shows_no_attribute_that_the_server_hides(
    live: Bench, net: responses.RequestsMock, body: str
) -> None:
    bound = Policy.load({"preset": "open", "hidden_attributes": ["birthday"]})
    live.workspace.bound = live.workspace.policy = bound
    person = '{"id": "u1", "attributes": {"Birthday": "1815-12-10", "plan": "gold"}}'
    net.get(f"{APP}/v1/customers/u1/attributes", body=body % person)
    path = "/try/get_customer_attributes"
    fields = {**form(live, path), "arg.customer_id": "u1", "action": "call"}
    for _ in range(2):
        page = live.post(path, fields)
        assert "1815" not in page.response.text
        assert ("gold" in page.words) is not body.endswith(": "), "what is whole is looked through"
        live.post("/tool", {"enabled": ["get_customer_attributes"], "hidden_attributes": ""})
        fields = {**form(live, path), "arg.customer_id": "u1", "action": "call"}


def test_no_page_shows_a_key_of_the_live_connection(
    live: Bench, net: responses.RequestsMock
) -> None:
    keys = [SAVED_US["track_api_key"], SAVED_US["app_api_key"]]
    net.replace(responses.GET, f"{APP}/v1/segments", body=f"you are {keys[1]}", status=401)
    page = live.post("/try/list_segments", {**form(live, "/try/list_segments"), "action": "call"})
    assert "you are ***" in page.words
    assert not any(key in page.response.text for key in keys)
