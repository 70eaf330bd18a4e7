from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.serving.welcome import welcome


@pytest.fixture
def tls() -> Iterator[Sandbox]:
    with Sandbox(tls=True) as sandbox:
        yield sandbox


def part(sandbox: Sandbox, title: str) -> str:
    """The lines under one title, up to the next empty line."""
    text = "\n".join(sandbox.lines())
    return text.split(f"{title}\n", 1)[1].split("\n\n", 1)[0]


def exported(sandbox: Sandbox) -> dict[str, str]:
    pairs = [line.removeprefix("export ") for line in sandbox.lines() if "export " in line]
    return {name: shlex.split(text)[0] for name, _, text in (each.partition("=") for each in pairs)}


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - these lines are what is tested
    return names


def test_urls_and_keys_come_first() -> None:
    with Sandbox() as sandbox:
        text = "\n".join(sandbox.lines()[:6])
        for value in (sandbox.site_id, sandbox.track_api_key, sandbox.app_api_key):
            assert value in text
        assert f"{sandbox.track_url}/api/v1" in text
        assert f"{sandbox.app_url}/v1" in text


def test_the_python_lines_reach_the_sandbox(tls: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in exported(tls).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    names = run(part(tls, "# Python: customerio"))
    with names["track"] as track, names["app"] as app:
        track.identify(id="by-sdk", plan="pro")
        assert app.url == tls.app_url
    assert tls.requests()[-1]["operation"] == "identify"


def test_the_async_python_lines_reach_the_sandbox(
    tls: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in exported(tls).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    names = run(part(tls, "# Python: async-customerio"))

    async def call() -> None:
        async with names["track"] as track, names["app"] as app:
            await track.identify("by-sdk", plan="pro")
            await app.segments.create("By SDK")

    asyncio.run(call())
    assert [entry["operation"] for entry in tls.requests()] == ["identify", "create_segment"]


def test_the_lines_of_this_tool_are_exports_quoted_for_a_shell() -> None:
    told = {
        **dict.fromkeys(("track_url", "app_url", "console_url"), "http://127.0.0.1:1"),
        "site_id": "s",
        "track_api_key": "it's",
        "app_api_key": "a",
        "ca_file": "/a b",
    }
    lines = [line for line in welcome(told) if line.startswith("export CUSTOMERIO_")]
    assert shlex.split(" ".join(lines).replace("export ", "")) == [
        *("CUSTOMERIO_TRACK_URL=http://127.0.0.1:1", "CUSTOMERIO_APP_URL=http://127.0.0.1:1"),
        *("CUSTOMERIO_SITE_ID=s", "CUSTOMERIO_TRACK_API_KEY=it's", "CUSTOMERIO_APP_API_KEY=a"),
        "CUSTOMERIO_CA_FILE=/a b",
    ]


def test_without_tls_python_is_told_what_its_track_client_needs() -> None:
    with Sandbox() as sandbox:
        for title in ("# Python: customerio", "# Python: async-customerio"):
            lines = part(sandbox, title)
            assert "start the sandbox with TLS" in lines
            assert "track =" not in lines
            assert run(lines)["app"]
        assert "SSL_CERT_FILE" not in exported(sandbox)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("// Node: customerio-node", ["{url}/api/v1'", "{url}/v1'"]),
        ("# Ruby: customerio", ["url: '{url}'"]),
        (
            "// Go: github.com/customerio/go-customerio/v3",
            ['track.URL = "{url}"', 'app.URL = "{url}"'],
        ),
    ],
)
def test_other_languages_get_the_url_in_the_form_their_client_takes(
    title: str, expected: list[str]
) -> None:
    """Read in customerio-node 5.2.0, customerio-ruby 6.2 and go-customerio."""
    with Sandbox() as sandbox:
        lines = part(sandbox, title)
        for each in expected:
            assert each.format(url=sandbox.track_url) in lines
        assert sandbox.site_id in lines
