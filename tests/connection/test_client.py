"""The client sends a request once, exactly as meant, and reads its reply."""

from __future__ import annotations

import base64
import gzip
import re
from pathlib import Path

import pytest
import requests
import responses

from customerio_tool.connection.client import MAX_REPLY_BYTES, Client
from customerio_tool.connection.exchange import Request
from customerio_tool.connection.transport import new_session
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.subtools.declare import Api
from tests.support.clients import (
    APP,
    APP_EU,
    APP_US,
    EU,
    PERSON,
    SEGMENTS,
    SITE,
    TRACK,
    US,
    connected,
    sent,
    soon,
)
from tests.support.loopback import Loopback, answer, says

pytestmark = pytest.mark.usefixtures("without_proxies")


# What is sent


def test_track_is_asked_with_site_id_and_key_as_basic_credentials(
    net: responses.RequestsMock,
) -> None:
    net.put(US + PERSON.path)

    sent(PERSON, region="us")

    pair = base64.b64encode(f"{SITE}:{TRACK}".encode()).decode()
    assert net.calls[0].request.headers["Authorization"] == f"Basic {pair}"


def test_app_is_asked_with_its_key_as_bearer(net: responses.RequestsMock) -> None:
    net.get(APP_EU + SEGMENTS.path)

    sent(SEGMENTS, region="eu")

    assert net.calls[0].request.headers["Authorization"] == f"Bearer {APP}"


def test_a_request_carries_its_body_as_it_is_and_says_what_it_is(
    net: responses.RequestsMock,
) -> None:
    net.put(US + PERSON.path)

    sent(PERSON, region="us")

    request = net.calls[0].request
    assert request.body == b'{"plan":"pro"}'
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept"] == "application/json"
    assert re.fullmatch(r"customerio-tool/[0-9][\w.+]*", request.headers["User-Agent"])


def test_a_request_without_a_body_names_no_content_type(net: responses.RequestsMock) -> None:
    net.post(US + "/api/v1/customers/u1/suppress")

    sent(Request(Api.TRACK, "POST", "/api/v1/customers/u1/suppress"), region="us")

    assert "Content-Type" not in net.calls[0].request.headers


def test_an_encoded_path_reaches_the_wire_as_it_is() -> None:
    with Loopback([says(answer())]) as server:
        path = "/api/v1/customers/a%2Fb%2Btest%40example.com/events"
        sent(Request(Api.TRACK, "POST", path, body=b"{}"), track_url=server.url)

    assert server.requests[0].startswith(b"POST " + path.encode() + b" HTTP/1.1\r\n")


def test_cookies_are_neither_kept_nor_sent_even_with_a_shared_session() -> None:
    cookie = answer(b"{}", b"Set-Cookie: spy=1; Path=/")
    with Loopback([says(cookie), says(cookie)]) as server, requests.Session() as shared:
        shared.cookies.set("mine", "1", domain="127.0.0.1")
        client = Client(connected(track_url=server.url), session=shared)
        client.exchange(PERSON, soon())
        client.exchange(PERSON, soon())
        kept = list(shared.cookies.keys())

    assert kept == ["mine"]
    assert not any(b"cookie:" in request.lower() for request in server.requests)


def test_the_own_session_keeps_no_cookies() -> None:
    with Loopback([says(answer(b"{}", b"Set-Cookie: spy=1; Path=/"))]) as server:
        session = new_session()
        with session:
            session.get(server.url).close()
        kept = list(session.cookies.keys())

    assert kept == []


def test_the_environment_gives_no_login_and_no_certificates(
    net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.customer.io login spy password spy\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(netrc))
    net.get(APP_US + SEGMENTS.path)

    with requests.Session() as shared:
        Client(connected(region="us"), session=shared).exchange(SEGMENTS, soon())

    request = net.calls[0].request
    assert request.headers["Authorization"] == f"Bearer {APP}"
    assert request.req_kwargs["verify"] is True  # type: ignore[attr-defined]  # responses puts it there


def test_the_proxy_of_the_environment_serves_customer_io_and_not_this_machine(
    net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scheme in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(scheme, "http://proxy.example:3128")
    net.get(APP_US + SEGMENTS.path)
    net.put("http://127.0.0.1:9" + PERSON.path)

    sent(SEGMENTS, region="us")
    sent(PERSON, track_url="http://127.0.0.1:9")

    used: list[dict[str, str]] = [call.request.req_kwargs["proxies"] for call in net.calls]  # type: ignore[attr-defined]  # responses puts it there
    assert used[0]["https"] == "http://proxy.example:3128"
    assert used[1] == {}


def test_the_ca_file_of_the_connection_is_what_certificates_are_checked_against(
    net: responses.RequestsMock, tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("-----BEGIN CERTIFICATE-----\n")
    net.put(US + PERSON.path)

    sent(PERSON, region="us", ca_file=str(ca_file))

    assert net.calls[0].request.req_kwargs["verify"] == str(ca_file)  # type: ignore[attr-defined]  # responses puts it there


def test_a_ca_file_that_went_away_is_named_and_nothing_is_sent(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("-----BEGIN CERTIFICATE-----\n")
    connection = connected(track_url="https://127.0.0.1:9", ca_file=str(ca_file))
    ca_file.unlink()

    with Client(connection) as client, pytest.raises(ConnectionInvalid) as caught:
        client.exchange(PERSON, soon())

    assert [problem.path for problem in caught.value.fields] == ["ca_file"]
    assert str(ca_file) not in str(caught.value)


def test_root_certificates_that_were_lost_are_not_called_a_ca_file(
    net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lost = str(tmp_path / "cacert.pem")
    monkeypatch.setattr("customerio_tool.connection.client.DEFAULT_CA_BUNDLE_PATH", lost)
    net.put(US + PERSON.path, body=OSError("Could not find a suitable TLS CA certificate bundle"))

    with pytest.raises(ConnectionInvalid, match="certifi has lost its file; install it anew"):
        sent(PERSON, region="us")


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/api/v1/customers/u1",
        "http://track-eu.customer.io/api/v1/customers/u1",
        "https://track-eu.customer.io.evil.example/api/v1/customers/u1",
        "https://track-eu.customer.io/elsewhere",
        "https://track.customer.io/api/v1/customers/u1",
        "//[half",
        "http://[half",
        "http://\xff\xfe",
        "",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(
    net: responses.RequestsMock, status: int, location: str
) -> None:
    net.put(US + PERSON.path, status=status, headers={"Location": location})

    assert sent(PERSON, region="us").status == status
    assert len(net.calls) == 1


def test_a_redirect_to_the_other_region_is_followed_once_with_method_and_body(
    net: responses.RequestsMock,
) -> None:
    net.put(US + PERSON.path, status=307, headers={"Location": EU + PERSON.path})
    net.put(EU + PERSON.path, status=307, headers={"Location": US + PERSON.path})

    assert sent(PERSON, region="us").status == 307

    assert [(call.request.method, call.request.url) for call in net.calls] == [
        ("PUT", US + PERSON.path),
        ("PUT", EU + PERSON.path),
    ]
    assert net.calls[1].request.body == PERSON.body


# What comes back


def test_a_reply_is_read_whole_with_its_status_and_headers(net: responses.RequestsMock) -> None:
    body = gzip.compress(b'{"a":1}')
    headers = {"Content-Encoding": "gzip", "Retry-After": "7"}
    net.get(APP_US + SEGMENTS.path, body=body, status=429, headers=headers)

    reply = sent(SEGMENTS, region="us")

    assert (reply.status, reply.body, reply.headers["retry-after"]) == (429, b'{"a":1}', "7")


def test_the_keys_are_masked_wherever_a_reply_repeats_them(net: responses.RequestsMock) -> None:
    pair = base64.b64encode(f"{SITE}:{TRACK}".encode()).decode()
    net.get(APP_US + SEGMENTS.path, body=f"{APP} {TRACK} {pair}", status=401)

    reply = sent(SEGMENTS, region="us")

    assert reply.mask(reply.body.decode()) == "*** *** ***"


def test_a_reply_of_ten_megabytes_is_read(net: responses.RequestsMock) -> None:
    net.get(APP_US + SEGMENTS.path, body=b"x" * MAX_REPLY_BYTES)

    assert len(sent(SEGMENTS, region="us").body) == MAX_REPLY_BYTES


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("status", [200, 500])
def test_of_a_reply_over_ten_megabytes_only_the_status_is_kept(
    net: responses.RequestsMock, packed: bool, status: int
) -> None:
    body = b"x" * (MAX_REPLY_BYTES + 1)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    sent_body = gzip.compress(body) if packed else body
    net.get(APP_US + SEGMENTS.path, body=sent_body, headers=headers, status=status)

    reply = sent(SEGMENTS, region="us")

    assert (reply.status, reply.body, reply.whole) == (status, b"", False)


def test_an_endless_redirect_is_cut_off_too(net: responses.RequestsMock) -> None:
    body = b"x" * (MAX_REPLY_BYTES + 1)
    net.get(APP_US + SEGMENTS.path, status=302, headers={"Location": "/"}, body=body)

    assert not sent(SEGMENTS, region="us").whole
