"""A region is asked for with credentials alone, once, and never guessed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import responses

from customerio_tool.connection import Connection
from customerio_tool.connection.client import Client
from customerio_tool.connection.exchange import Request, json_of
from customerio_tool.errors import ConnectionInvalid, CredentialsRejected, Unreachable
from customerio_tool.subtools.declare import Api
from tests.support.clients import (
    APP,
    APP_EU,
    APP_US,
    EU,
    LOGIN,
    PERSON,
    SEGMENTS,
    US,
    WHO,
    connected,
    sent,
    soon,
)
from tests.support.timeouts import PATIENCE

pytestmark = pytest.mark.usefixtures("without_proxies")


# The region


def told(region: object, status: int = 200) -> dict[str, Any]:
    return {"json": {"url": "x", "region": region, "environment_id": 3}, "status": status}


def urls(net: responses.RequestsMock) -> list[str]:
    return [str(call.request.url) for call in net.calls]


def test_a_region_that_is_not_set_is_asked_for_once_and_remembered(
    net: responses.RequestsMock,
) -> None:
    net.get(US + WHO, **told("eu"))
    net.put(EU + PERSON.path)
    net.get(APP_EU + SEGMENTS.path)

    with Client(connected()) as client:
        client.exchange(PERSON, soon())
        client.exchange(SEGMENTS, soon())
        client.exchange(PERSON, soon())

    assert urls(net) == [US + WHO, EU + PERSON.path, APP_EU + SEGMENTS.path, EU + PERSON.path]


def test_a_set_region_is_not_asked_for(net: responses.RequestsMock) -> None:
    net.put(EU + PERSON.path)

    sent(PERSON, region="eu")

    assert urls(net) == [EU + PERSON.path]


def test_a_host_of_the_operator_makes_the_region_no_matter(net: responses.RequestsMock) -> None:
    net.put("http://127.0.0.1:9" + PERSON.path)

    sent(PERSON, track_url="http://127.0.0.1:9")

    assert urls(net) == ["http://127.0.0.1:9" + PERSON.path]


@pytest.mark.parametrize(
    "first",
    [
        {"status": 401},
        {"status": 503},
        {"status": 302, "headers": {"Location": EU + WHO}},
        {"body": "<html>"},
        {"json": []},
        {"json": {}},
        {"json": {"region": "mars"}},
        {"json": {"region": ["eu"]}},
        {"body": requests.ConnectTimeout()},
        {"body": requests.ReadTimeout()},
    ],
)
def test_where_one_host_does_not_tell_the_region_the_other_is_asked(
    net: responses.RequestsMock, first: dict[str, Any]
) -> None:
    net.get(US + WHO, **first)
    net.get(EU + WHO, **told("eu"))
    net.put(EU + PERSON.path)

    assert sent(PERSON).status == 200


@pytest.mark.parametrize("other", [{"status": 401}, {"body": requests.ConnectTimeout()}])
def test_a_pair_that_a_track_host_refuses_is_wrong_and_nothing_personal_was_sent(
    net: responses.RequestsMock, other: dict[str, Any]
) -> None:
    net.get(US + WHO, status=401)
    net.get(EU + WHO, **other)

    with pytest.raises(CredentialsRejected, match="site_id and track_api_key"):
        sent(LOGIN)

    assert urls(net) == [US + WHO, EU + WHO]


@pytest.mark.parametrize(
    "broken",
    [{"status": 503}, {"json": {}}, {"status": 429}, {"body": requests.ConnectionError("lost")}],
)
def test_a_region_that_nobody_tells_is_never_guessed(
    net: responses.RequestsMock, broken: dict[str, Any]
) -> None:
    net.get(US + WHO, **broken)
    net.get(EU + WHO, **broken)

    with Client(connected()) as client:
        with pytest.raises(Unreachable, match="nothing else was sent"):
            client.exchange(LOGIN, soon())
        assert urls(net) == [US + WHO, EU + WHO]

        net.replace("GET", US + WHO, **told("us"))
        net.put(US + LOGIN.path)
        assert client.exchange(LOGIN, soon()).status == 200


def test_the_probe_of_the_region_carries_credentials_only(net: responses.RequestsMock) -> None:
    net.get(US + WHO, **told("us"))
    net.put(US + LOGIN.path)

    sent(LOGIN)

    probe = net.calls[0].request
    assert (probe.method, probe.body) == ("GET", None)


def app_only() -> Client:
    return Client(Connection.load({"app_api_key": APP}, apis=[Api.APP]))


@pytest.mark.parametrize("known", [200, 403])
def test_an_app_key_is_looked_for_on_both_hosts(net: responses.RequestsMock, known: int) -> None:
    net.get(APP_US + SEGMENTS.path, status=401)
    net.get(APP_EU + SEGMENTS.path, status=known, json={"segments": []})
    net.get(APP_EU + "/v1/campaigns")

    with app_only() as client:
        client.exchange(Request(Api.APP, "GET", "/v1/campaigns"), soon())

    assert urls(net)[-1] == APP_EU + "/v1/campaigns"


@pytest.mark.parametrize(
    "body", [b"", b"<html>Please log in</html>", b"[]", b'{"meta": {"error": "asleep"}}']
)
def test_a_host_that_does_not_answer_with_segments_proves_no_region(
    net: responses.RequestsMock, body: bytes
) -> None:
    net.get(APP_US + SEGMENTS.path, body=body)
    net.get(APP_EU + SEGMENTS.path, json={"segments": []})
    net.get(APP_EU + "/v1/campaigns")

    with app_only() as client:
        client.exchange(Request(Api.APP, "GET", "/v1/campaigns"), soon())

    assert urls(net)[-1] == APP_EU + "/v1/campaigns"


def test_an_app_key_that_both_hosts_refuse_is_wrong(net: responses.RequestsMock) -> None:
    net.get(APP_US + SEGMENTS.path, status=401)
    net.get(APP_EU + SEGMENTS.path, status=401)

    with app_only() as client, pytest.raises(CredentialsRejected, match="app_api_key"):
        client.exchange(SEGMENTS, soon())


def test_an_app_key_that_only_one_host_refuses_may_be_right(net: responses.RequestsMock) -> None:
    net.get(APP_US + SEGMENTS.path, status=401)
    net.get(APP_EU + SEGMENTS.path, body=requests.ConnectTimeout())

    with app_only() as client, pytest.raises(Unreachable):
        client.exchange(SEGMENTS, soon())


def test_a_connection_for_one_api_asks_nothing_for_the_other(net: responses.RequestsMock) -> None:
    with app_only() as client, pytest.raises(ConnectionInvalid, match="site_id"):
        client.exchange(PERSON, soon())

    assert not net.calls


def _meeting(barrier: threading.Barrier) -> Callable[[Any], tuple[int, dict[str, str], str]]:
    def answered(_: Any) -> tuple[int, dict[str, str], str]:
        with contextlib.suppress(threading.BrokenBarrierError):  # nobody else asks, as it should be
            barrier.wait(0.2)
        return 200, {}, '{"region":"eu"}'

    return answered


def test_threads_that_need_the_region_at_once_ask_once(net: responses.RequestsMock) -> None:
    net.add_callback("GET", US + WHO, callback=_meeting(threading.Barrier(2)))
    together = threading.Barrier(8)

    with Client(connected()) as client, ThreadPoolExecutor(8) as pool:

        def ask(_: int) -> str:
            together.wait(PATIENCE)
            return client.region(Api.TRACK, soon())

        assert set(pool.map(ask, range(8))) == {"eu"}

    assert urls(net) == [US + WHO]


def test_json_survives_the_way(net: responses.RequestsMock) -> None:
    net.get(APP_US + SEGMENTS.path, json={"segments": None})

    assert json_of(sent(SEGMENTS, region="us")) == {"segments": None}
