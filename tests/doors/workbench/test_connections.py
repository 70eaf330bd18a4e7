"""Connections: saved and tested from a form, never shown again, renamed, taken along, forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
import requests
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from customerio_tool import Connection, CustomerIoTool
from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.credentials import VARIABLES
from customerio_tool.doors.workbench.visit import Visit
from customerio_tool.sandbox import Sandbox
from tests.support.canaries import APP_KEY, KEYED, TRACK_KEY, spellings
from tests.support.pages import Page
from tests.support.timeouts import PATIENCE
from tests.support.workbench import Bench

FORM = "/connections/new"


@pytest.fixture
def bench(same_bench: Bench) -> Bench:
    """These tests call nothing on the local Customer.io, so they may share it."""
    return same_bench


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Sandbox]:
    """A Customer.io whose keys are marked, so that they are found wherever they are shown."""
    with Sandbox(options=KEYED) as running:
        yield running


def assert_no_key(page: Page) -> None:
    text = page.response.text
    assert not any(spelt in text for key in (TRACK_KEY, APP_KEY) for spelt in spellings(key))


def row(page: Page, name: str) -> str:
    """What the table of a page says of one part."""
    return page.words.partition(f"\n{name}\n")[2].partition("\n\n")[0]


def workspace_id(sandbox: Sandbox) -> int:
    """The number that Customer.io gives the workspace of a Track key."""
    auth = (sandbox.site_id, sandbox.track_api_key)
    url = f"{sandbox.track_url}/api/v1/accounts/region"
    number: int = requests.get(url, auth=auth, timeout=PATIENCE).json()["environment_id"]
    return number


def as_lines(saved: dict[str, str]) -> str:
    return "".join(f"export {VARIABLES[key]}='{value}'\n" for key, value in saved.items())


def test_the_form_has_every_field_with_its_label_its_help_and_its_link(bench: Bench) -> None:
    page = bench.get(FORM)
    for key, field in connection_fields().items():
        assert page.all("label", **{"for": key})
        assert field.label in page.words
        assert field.help in page.words
        assert field.help_url in page.links
        control = [*page.all("input", name=key), *page.all("select", name=key)][0]
        assert control["autocomplete"] == "off"
        assert (control.get("type") == "password") == field.secret
    assert [each["value"] for each in page.all("option")] == ["", "us", "eu"]


def test_saved_and_tested_each_part_says_what_was_found(bench: Bench, elsewhere: Sandbox) -> None:
    page = bench.post(FORM, {**elsewhere.connection(), "title": "Elsewhere"})
    assert page.status == 200
    assert "Elsewhere" in page.words
    assert "works" in row(page, "Track API")
    assert "200" in row(page, "App API")
    assert "us" in row(page, "Region")
    assert (bench.workspace.found or {})["workspace_id"] == workspace_id(elsewhere)
    assert bench.workspace.policy.confirm == "human"
    assert_no_key(page)


def test_a_wrong_key_is_told_and_the_other_part_works(bench: Bench, elsewhere: Sandbox) -> None:
    page = bench.post(FORM, {**elsewhere.connection(), "app_api_key": "another"})
    assert "problem" in row(page, "App API")
    assert "401" in row(page, "App API")
    assert "works" in row(page, "Track API")


def test_a_connection_may_be_for_one_api_alone(bench: Bench, elsewhere: Sandbox) -> None:
    saved = elsewhere.connection()
    page = bench.post(FORM, {key: saved[key] for key in ("app_api_key", "app_url")})
    assert "not given" in row(page, "Track API")
    assert "works" in row(page, "App API")
    assert not bench.workspace.is_live


def test_half_of_a_pair_is_missed(bench: Bench) -> None:
    page = bench.post(FORM, {"track_api_key": TRACK_KEY})
    assert page.status == 422
    assert page.all("input", id="site_id", **{"aria-invalid": "true"})
    assert not page.all("input", id="app_api_key", **{"aria-invalid": "true"})


def test_a_wrong_field_is_told_beside_it_and_no_key_is_filled_in_again(bench: Bench) -> None:
    given = {"site_id": "right", "track_api_key": f"Bearer {TRACK_KEY}", "app_api_key": APP_KEY}
    page = bench.post(FORM, {**given, "region": "eu"})
    (wrong,) = page.all("input", id="track_api_key")
    assert wrong["aria-describedby"].startswith("track_api_key-problem")
    assert "starts with an authorization scheme" in page.words
    assert "Give the key again." in page.words
    assert page.all("input", id="site_id", value="right")
    assert page.all("option", value="eu")[0].keys() == {"value", "selected"}
    assert not any("value" in each for each in page.all("input", type="password"))
    assert_no_key(page)
    assert len(bench.workspaces.all) == 1


def test_a_key_in_the_place_of_the_site_id_is_not_shown(bench: Bench) -> None:
    page = bench.post(FORM, {"site_id": APP_KEY, "track_api_key": "other", "app_api_key": APP_KEY})
    assert "is the same text as" in page.words
    assert_no_key(page)


@pytest.mark.parametrize("written", [as_lines, json.dumps])
def test_what_is_pasted_is_saved_and_never_shown(
    bench: Bench, elsewhere: Sandbox, written: Callable[[dict[str, str]], str]
) -> None:
    page = bench.post(FORM, {"pasted": written(elsewhere.connection())})
    assert "works" in row(page, "Track API")
    assert "works" in row(page, "App API")
    for path in ("/", "/connections", FORM, f"/connections/{bench.workspace.key}"):
        assert_no_key(bench.get(path))


def test_a_wrong_paste_is_told_and_not_shown_again(bench: Bench) -> None:
    page = bench.post(FORM, {"pasted": f"KEY={TRACK_KEY}\nsite_id: {APP_KEY}", "title": "Mine"})
    assert page.status == 422
    assert "It gives no value of a connection" in page.words
    assert page.all("input", name="title", value="Mine")
    assert_no_key(page)
    assert "site_id:" not in page.response.text


@settings(max_examples=25)
@given(st.text(), st.sampled_from(["CUSTOMERIO_SITE_ID=", "export OTHER='", '{"site_id": "', ""]))
def test_nothing_of_any_paste_is_shown_again(running: Bench, text: str, begin: str) -> None:
    page = running.post(FORM, {"pasted": f"{begin}{text}{TRACK_KEY}{text}", "region": "mars"})
    assert page.status == 422
    assert TRACK_KEY not in page.response.text
    assert_no_key(page)


def test_a_visit_does_not_show_what_its_form_holds(bench: Bench) -> None:
    request = Request({"type": "http", "method": "POST", "path": FORM, "headers": []})
    body, environ = b"track_api_key=zz7", {"CUSTOMERIO_APP_API_KEY": "zz7"}
    shown = repr(Visit(request, bench.workspaces, "zz7", body, environ))
    assert "zz7" not in shown


def test_what_is_filled_in_counts_before_what_is_pasted(bench: Bench, elsewhere: Sandbox) -> None:
    pasted = as_lines({**elsewhere.connection(), "app_api_key": "another"})
    page = bench.post(FORM, {"pasted": pasted, "app_api_key": elsewhere.app_api_key})
    assert "works" in row(page, "App API")


def test_a_connection_that_is_saved_twice_is_one(bench: Bench, elsewhere: Sandbox) -> None:
    bench.post(FORM, {**elsewhere.connection(), "title": "One"})
    page = bench.post(FORM, {**elsewhere.connection(), "title": "Two"})
    assert [each.title for each in bench.workspaces.all] == ["Local Customer.io", "Two"]
    assert "Two" in page.words


def test_without_a_name_it_has_that_of_its_workspace(bench: Bench, elsewhere: Sandbox) -> None:
    bench.post(FORM, elsewhere.connection())
    path = f"/connections/{bench.workspace.key}"
    named = f"Workspace {workspace_id(elsewhere)}"
    assert bench.workspace.title == named
    bench.post(f"{path}/rename", {"title": "  My   staging "})
    assert bench.workspace.title == "My staging"
    bench.post(f"{path}/rename", {"title": " "})
    assert bench.workspace.title == named


def test_a_test_may_be_repeated(bench: Bench) -> None:
    assert "not tested" in bench.get("/connections").words
    page = bench.post("/connections/local/test")
    assert "The connection was tested again." in page.words
    assert "works" in row(page, "App API")


def test_a_forgotten_connection_is_gone_and_the_local_one_stays(
    bench: Bench, elsewhere: Sandbox
) -> None:
    bench.post(FORM, elsewhere.connection())
    key = bench.workspace.key
    page = bench.post(f"/connections/{key}/forget")
    assert "The connection was forgotten." in page.words
    assert bench.get(f"/connections/{key}").status == 404
    assert bench.workspace.local is bench.local
    assert bench.post("/connections/local/forget").status == 409
    assert bench.get("/connections/local").status == 200


def test_another_connection_is_chosen_from_the_list(bench: Bench, elsewhere: Sandbox) -> None:
    bench.post(FORM, {**elsewhere.connection(), "title": "Elsewhere"})
    page = bench.post("/choose", {"workspace": "local", "then": "/connections"})
    assert page.response.url == f"{bench.url}/connections"
    assert bench.workspace.local is bench.local
    where = bench.sent("/choose", {"workspace": "local", "then": "https://example.com/"})
    assert where.headers["Location"] == "/"


def test_what_is_taken_along_is_the_connection_with_places_for_the_keys(
    bench: Bench, elsewhere: Sandbox
) -> None:
    bench.post(FORM, elsewhere.connection())
    path = f"/connections/{bench.workspace.key}/export"
    texts = {}
    for word in ("env", "json", "phinite"):
        page = bench.get(f"{path}?as={word}")
        assert_no_key(page)
        answer = bench.get(f"{path}/{word}").response
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
        assert answer.text.strip() in page.words
        texts[word] = answer.text
    keys = {"track_api_key": elsewhere.track_api_key, "app_api_key": elsewhere.app_api_key}
    fields = {**json.loads(texts["json"]), **keys}
    assert Connection.load(fields) == Connection.load(elsewhere.connection())
    lines = dotenv_values(stream=StringIO(texts["env"]))
    assert lines == {VARIABLES[key]: value for key, value in json.loads(texts["json"]).items()}
    form = {each["label"]: each["value"] for each in json.loads(texts["phinite"])}
    assert form["Track API Site ID"] == elsewhere.site_id
    assert bench.get(f"{path}?as=other").status == 404


def test_the_calls_of_a_saved_connection_go_there(bench: Bench, elsewhere: Sandbox) -> None:
    bench.post(FORM, elsewhere.connection())
    with bench.workspace.tool() as tool, CustomerIoTool(elsewhere.connection()) as same:
        assert tool.call("list_segments") == same.call("list_segments")
