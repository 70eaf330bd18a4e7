"""Over HTTP: what a URL may narrow, who is let in, and what happens to a client that hangs up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.doors.mcp.test_calls import NO_ANSWER, SOON_MS, audited, lines_of
from tests.doors.mcp.test_stdio import CALL, HANDSHAKE, MODERN_LIST, READY
from tests.support.mcp_doors import ERAS, Era, Person, serving, talk
from tests.support.timeouts import PATIENCE

READS = [name for name, subtool in subtools().items() if subtool.effect.read_only]
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
MODERN = {**ACCEPT, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
TOKEN = "a-token-for-tests"

both_eras = pytest.mark.parametrize("era", ERAS)


def names(url: str, era: Era) -> list[str]:
    return [tool.name for tool in talk(url, era, lambda c: c.list_tools()).tools]


def post(url: str, **headers: str) -> requests.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(url, json=MODERN_LIST, headers={**MODERN, **sent}, timeout=PATIENCE)


@both_eras
def test_a_url_narrows_to_names(http_url: str, era: Era) -> None:
    url = f"{http_url}?only=list_segments,track_event"
    assert sorted(names(url, era)) == ["list_segments", "track_event"]


@both_eras
def test_a_url_narrows_to_a_preset(http_url: str, era: Era) -> None:
    assert names(f"{http_url}?preset=read_only", era) == READS


@both_eras
def test_a_url_that_narrows_to_both_leaves_out_what_the_preset_forbids(
    http_url: str, era: Era
) -> None:
    url = f"{http_url}?preset=read_only&only=list_segments,track_event"
    assert names(url, era) == ["list_segments"]


@both_eras
def test_a_narrow_url_runs_nothing_else(http_url: str, era: Era, sandbox: Sandbox) -> None:
    async def call(client: Any) -> str:
        try:
            await client.call_tool("track_event", {"customer_id": "u1", "name": "x"})
        except Exception as error:
            return str(error)
        return "it ran"

    assert "Unknown tool" in talk(f"{http_url}?preset=read_only", era, call)
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("only=track_evnt", "track_event"),
        ("only=", "no such subtool"),
        ("preset=open", "careful or read_only"),
        ("preset=", "careful or read_only"),
        ("preset=read_only&only=track_event", "no subtool"),
        ("preset=read_only&preset=careful", "twice"),
        ("only=list_segments&only=track_event", "twice"),
        ("onyl=list_segments", "only, preset"),
        ("only=list_segments&read_only=true", "only, preset"),
    ],
)
def test_a_query_that_narrows_nothing_is_refused_with_what_would(
    http_url: str, query: str, told: str
) -> None:
    refused = post(f"{http_url}?{query}")
    assert refused.status_code == 400
    assert told in refused.json()["error"]


@pytest.mark.parametrize("name", ["find_customer", "find_customers"])
def test_a_query_leads_to_no_look_up_while_they_are_off(http_url: str, name: str) -> None:
    refused = post(f"{http_url}?only=list_segments,{name}")
    assert refused.status_code == 400
    assert "'find_customers'" not in refused.json()["error"]


@pytest.fixture(scope="module")
def narrow_url(env: dict[str, str]) -> Iterator[str]:
    """A server whose flags offer two subtools, where the environment asks nobody."""
    with serving(
        {**env, "CUSTOMERIO_CONFIRM": "never"}, "--only", "list_segments,delete_customer"
    ) as served:
        yield served.url


@both_eras
@pytest.mark.parametrize("query", ["", "?only=list_segments,delete_customer,track_event"])
def test_no_url_widens_the_flags(narrow_url: str, era: Era, query: str) -> None:
    assert sorted(names(f"{narrow_url}{query}", era)) == ["delete_customer", "list_segments"]


@both_eras
def test_the_environment_does_not_lift_what_the_preset_asks_for(
    narrow_url: str, era: Era, sandbox: Sandbox
) -> None:
    person = Person("decline")
    call = ("delete_customer", {"customer_id": "u1"})
    talk(narrow_url, era, lambda c: c.call_tool(*call), person=person)
    assert len(person.asked) == 1


@pytest.fixture(scope="module")
def open_url(env: dict[str, str]) -> Iterator[str]:
    """A server that asks nobody by itself."""
    with serving(env, "--preset", "open") as served:
        yield served.url


@both_eras
@pytest.mark.parametrize(("query", "questions"), [("", 0), ("?preset=careful", 1)])
def test_a_url_may_want_a_person_to_be_asked(
    open_url: str, era: Era, sandbox: Sandbox, query: str, questions: int
) -> None:
    person = Person("accept")
    call = ("delete_customer", {"customer_id": "u1"})
    result = talk(f"{open_url}{query}", era, lambda c: c.call_tool(*call), person=person)
    assert result.structured_content["ok"] is True
    assert len(person.asked) == questions


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Origin": "https://evil.example"}, 403),
    ],
)
def test_host_and_origin_are_checked_on_loopback(
    http_url: str, headers: dict[str, str], status: int
) -> None:
    assert post(http_url, **headers).status_code == status


@pytest.fixture(scope="module")
def exposed(env: dict[str, str]) -> Iterator[str]:
    """A server that listens on every address, as the container's does."""
    token = {"CUSTOMERIO_TOOL_TOKEN": TOKEN}
    options = ("--host", "0.0.0.0", "--allowed-host", "tools.example.com")
    with serving({**env, **token}, *options) as served:
        yield served.url.replace("0.0.0.0", "127.0.0.1")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": f"Bearer {TOKEN}", "Host": "tools.example.com"}, 200),
        ({"Authorization": f"Bearer {TOKEN}", "Host": "tools.example.com:8443"}, 200),
        ({"Authorization": f"Bearer {TOKEN}", "Host": "evil.example"}, 421),
        (
            {"Authorization": f"Bearer {TOKEN}", "Origin": "https://tools.example.com"},
            200,
        ),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": "https://evil.example"}, 403),
    ],
)
def test_beyond_loopback_a_token_and_a_known_name_are_needed(
    exposed: str, headers: dict[str, str], status: int
) -> None:
    assert post(exposed, **headers).status_code == status


def test_a_client_of_the_handshake_era_that_hangs_up_cancels_its_call(
    http_url: str, sandbox: Sandbox, audit: Path
) -> None:
    silence = sandbox.fault(**NO_ANSWER)
    before = lines_of(audit)
    with requests.Session() as session:
        session.headers.update({**ACCEPT, "MCP-Protocol-Version": "2025-11-25"})
        opened = session.post(http_url, json=HANDSHAKE, timeout=PATIENCE)
        session.headers["Mcp-Session-Id"] = opened.headers["Mcp-Session-Id"]
        session.post(http_url, json=READY, timeout=PATIENCE)
        call = {**CALL, "params": {"name": "list_segments", "arguments": {}}}
        sent = session.post(http_url, json=call, timeout=PATIENCE, stream=True)
        while not silence.matched:
            time.sleep(0.02)
        sent.close()
    assert audited(audit, "cancelled", before)["ms"] < SOON_MS


def test_nothing_is_printed_but_where_it_is_served(env: dict[str, str]) -> None:
    with serving(env) as served:
        assert post(served.url).status_code == 200
        process = served.process
    assert served.told == [f"MCP at {served.url}; Ctrl-C stops it.\n"]
    assert process.returncode == 0


def test_a_result_over_http_holds_no_key(http_url: str, sandbox: Sandbox) -> None:
    text = json.dumps(post(http_url).json())
    assert not any(key in text for key in (sandbox.app_api_key, sandbox.track_api_key))
