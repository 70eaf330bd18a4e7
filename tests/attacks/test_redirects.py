"""Credentials follow no redirect but the one to the other region, and no proxy named later."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.connection.transport import new_session
from customerio_tool.deadline import Clock
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Subtool
from tests.attacks.reached import NAMES
from tests.support.canaries import AT
from tests.support.clients import SAVED_US, AnyPace

HOSTS = {
    "track": ("https://track.customer.io", "https://track-eu.customer.io"),
    "app": ("https://api.customer.io", "https://api-eu.customer.io"),
}


def answered_by(net: responses.RequestsMock, location: str) -> None:
    """Let every host of the vendor redirect every request to one place."""
    vendor = re.compile(r"https://(track|api)(-eu)?\.customer\.io/.*")
    for method in ("GET", "POST", "PUT", "DELETE"):
        net.add(method, vendor, status=307, headers={"Location": location})
        net.add(method, re.compile(r".*"), json={})


def wire_path(name: str) -> str:
    """Return the path and query that a subtool's first example sends."""
    sends = subtools()[name].examples[0].sends
    return f"{sends.path}?{sends.query}" if sends.query else sends.path


def method_of(name: str) -> str:
    """Return the method of a subtool's own request; the look before what erases is a GET."""
    return subtools()[name].endpoint.method


def called(name: str) -> None:
    subtool: Subtool[Any] = subtools()[name]
    clock = Clock(now=lambda: AT.now, sleep=lambda _: None)
    backends = Backends(limiter=AnyPace())
    with CustomerIoTool(SAVED_US, policy="open", backends=backends, clock=clock) as tool:
        tool.call(name, dict(subtool.examples[0].arguments))


@pytest.mark.parametrize("name", NAMES)
def test_a_redirect_to_the_other_region_is_followed_once_as_it_was(
    net: responses.RequestsMock, name: str
) -> None:
    home, other = HOSTS[subtools()[name].endpoint.api.value]
    target = wire_path(name)
    for origin, next_origin in ((home, other), (other, home)):
        net.add(
            subtools()[name].endpoint.method,
            origin + target,
            status=307,
            headers={"Location": next_origin + target},
        )
    called(name)

    sent = [call.request for call in net.calls if call.request.method == method_of(name)]
    first, second = sent[:2]
    assert (first.url, second.url) == (home + target, other + target)
    assert (first.method, first.body) == (second.method, second.body)
    assert first.headers["Authorization"] == second.headers["Authorization"]
    assert len(sent) == 2


def test_a_redirect_that_is_cut_off_is_followed_all_the_same(net: responses.RequestsMock) -> None:
    (home, other), target = HOSTS["track"], wire_path("track_event")
    cut = {"Location": other + target, "Content-Length": "100"}
    net.add("POST", home + target, status=307, headers=cut)
    net.add("POST", other + target, json={})
    called("track_event")
    assert [call.request.url for call in net.calls] == [home + target, other + target]


ELSEWHERE = [
    "https://evil.example{target}",
    "https://track.customer.io.evil.example{target}",
    "https://track-eu.customer.io@evil.example{target}",
    "https://evil.customer.io{target}",
    "http://track-eu.customer.io{target}",
    "http://api-eu.customer.io{target}",
    "https://track-eu.customer.io:8443{target}",
    "https://{wrong_api}{target}",
    "https://{right_api}/api/v1/customers/u2",
    "https://{right_api}{target}/",
    "//{right_api}{target}",
    "{target}",
]


@pytest.mark.parametrize("location", ELSEWHERE)
@pytest.mark.parametrize("name", NAMES)
def test_credentials_follow_no_other_redirect(
    net: responses.RequestsMock, name: str, location: str
) -> None:
    api = subtools()[name].endpoint.api.value
    wrong = {"track": "app", "app": "track"}[api]
    names = {"target": wire_path(name)}
    names["right_api"] = urlsplit(HOSTS[api][1]).netloc
    names["wrong_api"] = urlsplit(HOSTS[wrong][1]).netloc
    answered_by(net, location.format(**names))
    called(name)

    home = HOSTS[api][0]
    asked = [(call.request.method, (call.request.url or "").split("?")[0]) for call in net.calls]
    sent = {url for method, url in asked if method == method_of(name)}
    assert sent == {(home + wire_path(name)).split("?")[0]}
    looks = {url for method, url in asked if method != method_of(name)}
    assert all(url.startswith(f"{HOSTS['app'][0]}/v1/") for url in looks)


# Proxies


def test_proxies_are_those_of_the_environment_when_the_tool_was_made(
    net: responses.RequestsMock, without_proxies: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://first.example:3128")
    net.get("https://api.customer.io/v1/segments", json={"segments": []})

    with CustomerIoTool(SAVED_US) as tool:
        monkeypatch.setenv("https_proxy", "http://later.example:3128")
        tool.call("list_segments", {})

    used: dict[str, str] = net.calls[0].request.req_kwargs["proxies"]  # type: ignore[attr-defined]  # responses puts it there
    assert used == {"https": "http://first.example:3128"}


def test_connections_through_a_proxy_are_as_careful_as_others() -> None:
    adapter = new_session().get_adapter("https://api.customer.io")
    assert isinstance(adapter, requests.adapters.HTTPAdapter)
    direct = adapter.poolmanager.connection_from_url("https://api.customer.io")
    proxied = adapter.proxy_manager_for("http://proxy.example:3128")

    assert type(proxied.connection_from_url("https://api.customer.io")) is type(direct)
