"""Test doubles for `requests` hold the tool's calls, none of which reaches the network."""

from __future__ import annotations

import functools
import gzip
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import requests
import requests_mock
import responses
import urllib3
import vcr  # type: ignore[import-untyped]  # it declares no types
import yaml

from customerio_tool import CustomerIoTool
from customerio_tool.connection.client import Client
from customerio_tool.connection.punctual import PunctualConnection
from customerio_tool.connection.transport import Adapter, new_session
from customerio_tool.errors import Unreachable
from customerio_tool.sandbox import Sandbox
from tests.support.clients import APP_US, SAVED, SAVED_US, SEGMENTS, connected, soon
from tests.support.loopback import Loopback, answer, says

pytestmark = pytest.mark.usefixtures("without_proxies")

IDENTIFY = {"customer_id": "u1", "attributes": {"plan": "pro"}}
FOUND = '{"segments": [{"id": 7, "name": "VIP", "type": "manual"}]}'


@pytest.fixture
def customerio() -> Iterator[Loopback]:
    """The network: it answers, and so shows every request that a double let through."""
    with Loopback([says(answer(b'{"from": "the network"}'))] * 4) as server:
        yield server


def tool_on(server: Loopback) -> CustomerIoTool:
    return CustomerIoTool({**SAVED, "track_url": server.url, "app_url": server.url})


def played(folder: Path, url: str, body: str, *, method: str = "GET", status: int = 200) -> Path:
    """A cassette that holds one answer."""
    response = {
        "status": {"code": status, "message": "OK"},
        "headers": {"Content-Type": ["application/json"], "Location": [f"{url}/elsewhere"]},
        "body": {"string": body},
    }
    request: dict[str, Any] = {"method": method, "uri": url, "body": None, "headers": {}}
    whole = {"interactions": [{"request": request, "response": response}], "version": 1}
    cassette = folder / "cassette.yaml"
    cassette.write_text(yaml.safe_dump(whole))
    return cassette


class Held:
    """One double that answers one read, and no other request."""

    def __init__(self, folder: Path, url: str, body: str, status: int = 200) -> None:
        self.folder, self.url, self.body, self.status = folder, url, body, status

    def by_responses(self) -> AbstractContextManager[Any]:
        double = responses.RequestsMock()
        double.get(self.url, body=self.body, status=self.status)
        return double

    def by_requests_mock(self) -> AbstractContextManager[Any]:
        double = requests_mock.Mocker()
        double.get(self.url, text=self.body, status_code=self.status)
        return double

    def by_vcrpy(self) -> AbstractContextManager[Any]:
        cassette = played(self.folder, self.url, self.body, status=self.status)
        double: AbstractContextManager[Any] = vcr.use_cassette(str(cassette), record_mode="none")
        return double


each_double = pytest.mark.parametrize("name", ["responses", "requests_mock", "vcrpy"])


def double(name: str, folder: Path, url: str, body: str, status: int = 200) -> Any:
    return getattr(Held(folder, url, body, status), f"by_{name}")()


@each_double
def test_a_double_answers_in_place_of_the_network(
    name: str, customerio: Loopback, tmp_path: Path
) -> None:
    with (
        tool_on(customerio) as tool,
        double(name, tmp_path, f"{customerio.url}/v1/segments", FOUND),
    ):
        told = tool.run("list_segments")

    assert [each["name"] for each in told["segments"]] == ["VIP"]
    assert customerio.requests == []


@each_double
def test_a_double_holds_a_session_of_the_hosts_own(
    name: str, customerio: Loopback, tmp_path: Path
) -> None:
    saved = {**SAVED, "track_url": customerio.url, "app_url": customerio.url}
    held = double(name, tmp_path, f"{customerio.url}/v1/segments", FOUND)
    with requests.Session() as session, CustomerIoTool(saved, session=session) as tool, held:
        told = tool.run("list_segments")

    assert [each["name"] for each in told["segments"]] == ["VIP"]
    assert customerio.requests == []


@each_double
def test_a_double_holds_a_tool_that_called_before_and_lets_it_go_after(
    name: str, customerio: Loopback, tmp_path: Path
) -> None:
    held = double(name, tmp_path, f"{customerio.url}/v1/segments", FOUND)
    with tool_on(customerio) as tool:
        tool.call("identify_customer", IDENTIFY)
        with held:
            told = tool.run("list_segments")
        tool.call("identify_customer", IDENTIFY)

    assert [each["name"] for each in told["segments"]] == ["VIP"]
    assert [line.split()[0] for line in customerio.requests] == [b"PUT", b"PUT"]


@each_double
def test_a_request_that_a_double_does_not_know_reaches_nobody(
    name: str, customerio: Loopback, tmp_path: Path
) -> None:
    held = double(name, tmp_path, f"{customerio.url}/v1/segments", FOUND)
    with tool_on(customerio) as tool, held:
        told = what_came_of(tool, "identify_customer", IDENTIFY)
        tool.run("list_segments")  # `responses` asks for the use of its answer

    assert "u1" in told or not json.loads(told)["ok"]
    assert customerio.requests == []


def what_came_of(tool: CustomerIoTool, subtool: str, arguments: dict[str, Any]) -> str:
    """The result as text, or the double's own complaint, which names the request."""
    try:
        return json.dumps(tool.call(subtool, arguments))
    except Exception as complaint:
        return str(complaint)


@each_double
@pytest.mark.parametrize("status", [302, 307, 404, 503])
def test_an_answer_of_a_double_is_read_as_the_networks(
    name: str, status: int, tmp_path: Path
) -> None:
    with (
        double(name, tmp_path, f"{APP_US}/v1/segments", "{}", status),
        Client(connected(region="us")) as client,
    ):
        reply = client.exchange_in("us", SEGMENTS, soon())
    assert reply.status == status


def test_a_compressed_answer_is_recorded_and_played(tmp_path: Path) -> None:
    packed = answer(gzip.compress(FOUND.encode()), b"Content-Encoding: gzip")
    told = []
    with Loopback([says(packed)]) as server, tool_on(server) as tool:
        for _ in range(2):
            with vcr.use_cassette(str(tmp_path / "cassette.yaml"), record_mode="once"):
                told.append(tool.run("list_segments")["segments"])

    assert told[0] == told[1]
    assert len(server.requests) == 1


@pytest.mark.parametrize("autospec", [False, True])
def test_a_mock_in_the_place_of_send_holds_the_call(customerio: Loopback, autospec: bool) -> None:
    reply = requests.Response()
    reply.status_code, reply._content = 200, FOUND.encode()
    patched = mock.patch.object(requests.Session, "send", autospec=autospec, return_value=reply)
    with tool_on(customerio) as tool, patched as send:
        tool.run("list_segments")

    assert send.called
    assert customerio.requests == []


def test_telemetry_around_send_is_no_double(customerio: Loopback) -> None:
    """It would store cookies, and read the whole body of a redirect."""
    genuine = requests.Session.send

    @functools.wraps(genuine)
    def traced(*_: Any, **__: Any) -> requests.Response:
        raise AssertionError("the client sends by the adapter")

    with tool_on(customerio) as tool, mock.patch.object(requests.Session, "send", traced):
        tool.call("identify_customer", IDENTIFY)

    assert len(customerio.requests) == 1


def test_telemetry_around_urllib3_or_an_adapter_sees_each_request(
    customerio: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def traced(genuine: Any, name: str) -> Any:
        @functools.wraps(genuine)
        def around(*args: Any, **named: Any) -> Any:
            seen.append(name)
            return genuine(*args, **named)

        return around

    places = (
        (urllib3.HTTPConnectionPool, "urlopen"),
        (requests.adapters.HTTPAdapter, "send"),
    )
    for owner, name in places:
        with tool_on(customerio) as tool, monkeypatch.context() as patched:
            patched.setattr(owner, name, traced(getattr(owner, name), name))
            assert tool.call("identify_customer", IDENTIFY)["ok"]
    with Client(connected(app_url=customerio.url), session=new_session()) as client:
        adapter = client._session.get_adapter(customerio.url)
        monkeypatch.setattr(adapter, "send", traced(adapter.send, "of one adapter"))
        client.exchange(SEGMENTS, soon())
    assert seen == ["urlopen", "send", "of one adapter"]


class Noting(Adapter):
    """An adapter that a host made of ours."""

    def __init__(self) -> None:
        super().__init__(monotonic=time.monotonic, pool_size=1)
        self.seen: list[str] = []

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        self.seen.append(request.method)
        return super().send(request, *args, **kwargs)


def test_an_adapter_that_a_host_made_of_ours_sees_each_request(customerio: Loopback) -> None:
    adapter = Noting()
    with requests.Session() as session:
        session.mount("http://", adapter)
        with Client(connected(app_url=customerio.url), session=session) as client:
            client.exchange(SEGMENTS, soon())
    assert adapter.seen == ["GET"]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (urllib3.HTTPConnectionPool, "_make_request"),
        (urllib3.HTTPConnectionPool, "_get_conn"),
        (urllib3.connection.HTTPConnection, "request"),
    ],
    ids=["_make_request", "_get_conn", "request"],
)
def test_a_mock_within_urllib3_holds_the_call(owner: type, name: str, customerio: Loopback) -> None:
    patched = mock.patch.object(owner, name, side_effect=urllib3.exceptions.ProtocolError("held"))
    client = Client(connected(app_url=customerio.url))
    with client, patched as held, pytest.raises(Unreachable):
        client.exchange(SEGMENTS, soon())
    assert held.called
    assert customerio.requests == []


def test_telemetry_around_urllib3s_pools_of_tls_alone_sees_each_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    genuine = urllib3.HTTPConnectionPool.urlopen

    def traced(pool: Any, method: str, *args: Any, **named: Any) -> Any:
        seen.append(method)
        return genuine(pool, method, *args, **named)

    monkeypatch.setattr(urllib3.HTTPSConnectionPool, "urlopen", traced)
    with Sandbox(tls=True) as sandbox, CustomerIoTool(sandbox.connection()) as tool:
        assert tool.call("identify_customer", IDENTIFY)["ok"]
    assert seen == ["PUT"]


def test_nothing_of_a_connection_is_stored_on_a_session_that_a_double_holds(
    customerio: Loopback,
) -> None:
    saved = {**SAVED, "track_url": customerio.url, "app_url": customerio.url}
    with requests_mock.Mocker() as double, requests.Session() as session:
        double.get(f"{customerio.url}/v1/segments", text=FOUND)
        with CustomerIoTool(saved, session=session) as tool:
            tool.run("list_segments")

    assert "Authorization" not in session.headers
    assert session.auth is None


@pytest.mark.parametrize("autospec", [False, True])
def test_a_mock_that_would_hold_nothing_stops_calls_to_customer_io(
    net: responses.RequestsMock, autospec: bool
) -> None:
    patched = mock.patch.object(requests.Session, "request", autospec=autospec)
    with CustomerIoTool(SAVED_US) as tool, patched, pytest.raises(RuntimeError, match="nothing"):
        tool.call("list_segments", {})

    assert not net.calls


def test_a_mock_that_would_hold_nothing_leaves_a_server_of_ones_own_alone(
    customerio: Loopback,
) -> None:
    with tool_on(customerio) as tool, mock.patch.object(requests.Session, "request"):
        assert tool.call("identify_customer", IDENTIFY)["ok"]


def warmed_up(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many connections it opens to make a tool warm."""
    made: list[PunctualConnection] = []

    def noted(connection: PunctualConnection) -> None:
        made.append(connection)

    monkeypatch.setattr(PunctualConnection, "connect", noted)
    with tool_on(server) as tool:
        tool.warm()
    return len(made)


def test_no_connection_is_opened_beforehand_while_a_double_is_in_force(
    customerio: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cassette = tmp_path / "none.yaml"
    for double in (
        responses.RequestsMock(assert_all_requests_are_fired=False),
        requests_mock.Mocker(),
        vcr.use_cassette(str(cassette)),
        mock.patch.object(requests.Session, "request"),
        mock.patch.object(requests.adapters.HTTPAdapter, "send"),
    ):
        with double:
            assert warmed_up(customerio, monkeypatch) == 0, type(double)
    assert warmed_up(customerio, monkeypatch) > 0
