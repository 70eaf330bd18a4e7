"""The tool: its card, the switches within what the server allows, and the rules of every call."""

from __future__ import annotations

import sys

import pytest

from customerio_tool import Policy
from customerio_tool.doors.cli.publish.manifest import manifest
from customerio_tool.doors.cli.tokens import counter
from customerio_tool.doors.studio.governance import DESCRIPTIONS
from customerio_tool.doors.workbench import switches
from customerio_tool.policy.policy import PRESETS
from customerio_tool.sandbox import Sandbox
from customerio_tool.sets import sets
from customerio_tool.subtools import lookups, subtools
from customerio_tool.subtools.declare import Api, Effect
from customerio_tool.subtools.declare.json_text import compact
from tests.support.pages import Page
from tests.support.workbench import Bench, workbench

ALL = list(subtools())
READS = [name for name, each in subtools().items() if each.effect.read_only]


@pytest.fixture
def bench(same_bench: Bench) -> Bench:
    """These tests call nothing on the local Customer.io, so they may share it."""
    return same_bench


def on(page: Page) -> set[str]:
    return {each["value"] for each in page.all("input", name="enabled") if "checked" in each}


def in_force(page: Page) -> list[str]:
    return [each["value"] for each in page.all("button", name="preset") if "aria-current" in each]


def about(page: Page, name: str) -> str:
    """What the page says of one subtool."""
    return page.words.partition(f"\n{subtools()[name].title}")[2].partition("\n\n")[0]


def test_the_card_is_the_one_of_the_manifest(bench: Bench) -> None:
    page = bench.get("/tool")
    for fact in ("title", "name", "description", "category", "version"):
        assert manifest()[fact] in page.words
    assert f"{len(ALL)} subtools" in page.words
    assert page.all("svg")
    assert not page.all("img")


def test_every_subtool_has_a_switch_with_its_promise_under_its_effect(bench: Bench) -> None:
    page = bench.get("/tool")
    assert {each["value"] for each in page.all("input", name="enabled")} == set(ALL) == on(page)
    assert all(page.all("label", **{"for": name}) for name in ALL)
    assert all(subtools()[name].promise in page.words for name in ALL)
    buttons = {each["value"] for each in page.all("button", name="group")}
    assert buttons == {f"{each.word}:{state}" for each in Effect for state in ("on", "off")}


def test_what_is_switched_on_is_what_runs(bench: Bench) -> None:
    page = bench.post("/tool", {"enabled": ["list_segments", "track_event"]})
    assert "What may run was saved." in page.words
    assert on(page) == {"list_segments", "track_event"}
    with bench.workspace.tool() as tool:
        assert set(tool.subtools()) == {"list_segments", "track_event"}
    assert on(bench.post("/tool", {})) == set()
    assert bench.post("/tool", {"enabled": ALL}) is not None
    assert bench.workspace.policy.enabled is None


def test_the_look_ups_have_a_switch_of_their_own(bench: Bench) -> None:
    names = set(lookups())
    assert not names & on(bench.get("/tool"))
    page = bench.post("/tool", {"enabled": ALL, "lookups": "true"})
    assert on(page) == {*ALL, *names}
    assert f"of {len(ALL) + len(names)} on" in page.words
    assert [each for each in page.all("input", name="lookups") if "checked" in each]
    assert bench.workspace.policy.enabled is None
    with bench.workspace.tool() as tool:
        assert names <= set(tool.subtools())
    assert "Find Customers" in bench.get("/try").words

    page = bench.post("/tool", {"enabled": [*ALL, "find_customers"], "lookups": "true"})
    assert on(page) == {*ALL, "find_customers"}
    page = bench.post("/tool", {"enabled": [*ALL, "find_customers"]})
    assert on(page) == set(ALL)
    policy = bench.workspace.policy
    assert (policy.lookups, policy.enabled) == (None, None)


def test_a_server_that_keeps_the_look_ups_off_has_no_way_to_turn_them_on(sandbox: Sandbox) -> None:
    with workbench(sandbox, Policy(lookups=False)) as bench:
        page = bench.post("/tool", {"enabled": ALL, "lookups": "true"})
        assert "narrower" in page.words or not set(lookups()) & on(page)
        assert bench.workspace.policy.lookups is False


@pytest.mark.parametrize("effect", [Effect.READ, Effect.CREATE, Effect.SEND])
def test_a_button_switches_a_whole_effect_and_nothing_else(bench: Bench, effect: Effect) -> None:
    members = {name for name, each in subtools().items() if each.effect is effect}
    off = bench.post("/tool", {"enabled": ALL, "group": f"{effect.word}:off"})
    assert on(off) == set(ALL) - members
    assert on(bench.post("/tool", {"group": f"{effect.word}:on"})) == members


@pytest.mark.parametrize("name", sets())
def test_a_button_leaves_one_set_on(bench: Bench, name: str) -> None:
    assert on(bench.post("/tool", {"enabled": ALL, "set": name})) == sets()[name]
    assert {each["value"] for each in bench.get("/tool").all("button", name="set")} == set(sets())


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_one_button_and_keeps_the_switches(bench: Bench, preset: str) -> None:
    before = {"enabled": ["list_segments", "delete_customer"], "send_budget": "3"}
    page = bench.post("/tool", {**before, "preset": preset})
    assert in_force(page) == [preset]
    assert DESCRIPTIONS[preset] in page.words
    assert on(page) == set(before["enabled"])
    assert page.all("input", name="send_budget", value="3")
    policy = bench.workspace.policy
    assert policy.read_only == (preset == "read_only")
    assert (policy.confirm == "human") == (preset == "careful")


def test_a_preset_that_is_left_is_left_behind(bench: Bench) -> None:
    for preset in ("read_only", "careful", "open"):
        bench.post("/tool", {"enabled": ALL, "preset": preset})
    assert bench.workspace.policy == bench.workspace.bound


def test_badges_say_what_is_declared_and_what_the_policy_asks(bench: Bench) -> None:
    page = bench.post("/tool", {"enabled": ALL, "preset": "careful"})
    assert "reads personal data" in about(page, "get_customer_attributes")
    assert "reads personal data" not in about(page, "list_segments")
    assert "can start campaigns" in about(page, "track_event")
    assert "reaches people" in about(page, "send_transactional_email")
    assert "asks a person" in about(page, "delete_customer")
    assert "sometimes asks a person" in about(page, "identify_customer")
    assert "asks" not in about(page, "list_segments")
    page = bench.post("/tool", {"enabled": ALL, "preset": "read_only"})
    assert "This agent may only read" in about(page, "track_event")
    assert on(page) == set(ALL)


def test_the_tokens_are_fewer_in_less_detail(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.workspace, "detail", "basic")
    page = bench.post("/tool", {"enabled": ["list_segments"]})
    with bench.workspace.tool() as tool:
        (definition,) = tool.definitions(None, "openai", "basic")
    assert f"1 of {len(ALL)} on · {counter()(definition):,} tokens" in page.words


def test_the_tokens_are_those_of_what_a_model_is_shown(bench: Bench) -> None:
    page = bench.post("/tool", {"enabled": ["list_segments"]})
    with bench.workspace.tool() as tool:
        (definition,) = tool.definitions(dialect="openai")
    assert f"1 of {len(ALL)} on · {counter()(definition):,} tokens" in page.words
    assert "Counted with o200k_base" in page.words
    page = bench.post("/tool", {"enabled": ALL, "preset": "read_only"})
    assert f"{len(READS)} of {len(ALL)} on" in page.words


def test_without_the_extra_the_tokens_are_estimated(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "splintr", None)
    monkeypatch.setattr(switches, "_KNOWN", {})
    counter.cache_clear()
    page = bench.post("/tool", {"enabled": ["list_segments"]})
    with bench.workspace.tool() as tool:
        (definition,) = tool.definitions(dialect="openai")
    tokens = round(len(compact(definition)) / 4)
    assert f"1 of {len(ALL)} on · about {tokens:,} tokens" in page.words
    assert "An estimate" in page.words
    assert "the extra tokens counts them" in page.words


def test_a_connection_for_one_api_is_told_what_it_cannot_run(bench: Bench) -> None:
    saved = bench.local.connection()
    bench.post("/connections/new", {key: saved[key] for key in ("app_api_key", "app_url")})
    page = bench.get("/tool")
    for name, each in subtools().items():
        has_key = each.apis == {Api.APP}
        assert ("The connection has no key of its API." in about(page, name)) != has_key


def test_every_rule_of_a_policy_is_shown_and_changed(bench: Bench) -> None:
    rules = {
        "dry_run": "true",
        "allowed_recipients": "example.com, ada@example.org",
        "allow_triggers": "true",
        "send_budget": "2",
        "hidden_attributes": "email, plan",
        "confirm.erase": "human",
        "confirm.send": "repeat",
    }
    page = bench.get("/tool")
    fields = set(Policy.model_fields) - {"enabled", "confirm"}
    assert {each["name"] for each in page.all("input") if each["name"] in fields} == fields
    page = bench.post("/tool", {"enabled": ALL, **rules})
    assert bench.workspace.policy == Policy(
        dry_run=True,
        allowed_recipients=["example.com", "ada@example.org"],
        allow_triggers=True,
        send_budget=2,
        hidden_attributes=["email", "plan"],
        confirm={"erase": "human", "send": "repeat"},
    )
    assert page.all("input", name="allowed_recipients", value="ada@example.org, example.com")
    assert "checked" in page.all("input", name="dry_run")[0]
    again = {
        each["name"]: each["value"]
        for each in page.all("input", type="checkbox")
        if "checked" in each and each["name"] != "enabled"
    }
    again |= {each["name"]: each["value"] for each in page.all("input", id="send_budget")}
    before = bench.workspace.policy
    bench.post("/tool", {"enabled": ALL, **rules, **again})
    assert bench.workspace.policy == before


def test_an_allow_list_of_nobody_is_not_one_of_everybody(bench: Bench) -> None:
    page = bench.post("/tool", {"enabled": ALL, "allowed_recipients": "[]"})
    assert bench.workspace.policy.allowed_recipients == frozenset()
    assert page.all("input", name="allowed_recipients", value="[]")
    bench.post("/tool", {"enabled": ALL, "allowed_recipients": " "})
    assert bench.workspace.policy.allowed_recipients is None


def test_a_wrong_rule_is_told_beside_it_and_nothing_is_saved(bench: Bench) -> None:
    before = bench.workspace.policy
    page = bench.post(
        "/tool",
        {"enabled": ["track_event"], "allowed_recipients": "*@example.com", "send_budget": "-1"},
    )
    assert page.status == 422
    assert on(page) == {"track_event"}
    for name in ("allowed_recipients", "send_budget"):
        (field,) = page.all("input", name=name)
        assert field["aria-describedby"].startswith(f"{name}-problem")
        assert page.all("p", id=f"{name}-problem")
    assert "give addresses such as" in page.words
    assert page.all("input", name="allowed_recipients", value="*@example.com")
    assert page.all("details", open="")
    assert bench.workspace.policy is before


def test_no_choice_is_wider_than_the_server(sandbox: Sandbox) -> None:
    bound = Policy(
        enabled=["list_segments", "delete_customer", "track_event"],
        confirm="human",
        allowed_recipients=["example.com"],
        send_budget=5,
        hidden_attributes=["email"],
    )
    with workbench(sandbox, bound) as bench:
        page = bench.post(
            "/tool",
            {
                "enabled": ALL,
                "allowed_recipients": "ada@example.com, example.org",
                "send_budget": "9",
                "data_files": "true",
                "preset": "open",
            },
        )
        policy = bench.workspace.policy
        assert policy.enabled == {"list_segments", "delete_customer", "track_event"}
        assert (policy.confirm, policy.send_budget, policy.data_files) == ("human", 5, False)
        assert policy.allowed_recipients == {"ada@example.com"}
        assert policy.hidden_attributes == {"email"}
        assert "disabled" in page.all("input", id="list_campaigns")[0]
        assert "disabled" in page.all("input", id="track_event")[0]
        page = bench.post("/tool", {"enabled": ["list_segments"], "data_files": "true"})
        assert "some rules are stricter than you chose" in page.words
        assert on(page) == {"list_segments"}


def test_an_unknown_preset_or_subtool_changes_nothing(bench: Bench) -> None:
    assert bench.post("/tool", {"preset": "wild"}).status == 404
    assert bench.workspace.policy == bench.workspace.bound
    assert on(bench.post("/tool", {"enabled": ["list_segments", "drop_table"]})) == {
        "list_segments"
    }
