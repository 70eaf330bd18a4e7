"""Keys go to the hosts of Customer.io and to loopback, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from customerio_tool.connection import Connection
from customerio_tool.subtools.declare import Api
from tests.connection.refusals import CANARY, GOOD, assert_nothing_shows, refused


def test_each_region_has_its_own_hosts() -> None:
    connection = Connection.load(GOOD)

    assert connection.base_url(Api.TRACK, "us") == "https://track.customer.io"
    assert connection.base_url(Api.TRACK, "eu") == "https://track-eu.customer.io"
    assert connection.base_url(Api.APP, "us") == "https://api.customer.io"
    assert connection.base_url(Api.APP, "eu") == "https://api-eu.customer.io"
    assert not connection.has_own_host(Api.TRACK)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:8025", "http://127.0.0.1:8025"),
        ("https://127.0.0.1:8025/", "https://127.0.0.1:8025"),
        ("http://127.9.8.7", "http://127.9.8.7"),
        (" HTTP://[::1]:65535 ", "http://[::1]:65535"),
        ("https://Track.Customer.io/", "https://track.customer.io"),
        (" https://TRACK.customer.io:443/ ", "https://track.customer.io"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.0.0.1:443", "http://127.0.0.1:443"),
        ("https://track-eu.customer.io", "https://track-eu.customer.io"),
    ],
)
def test_an_operator_may_name_a_vendor_host_or_loopback(url: str, origin: str) -> None:
    connection = Connection.load({**GOOD, "track_url": url})

    assert connection.base_url(Api.TRACK, "us") == origin
    assert connection.base_url(Api.TRACK, "eu") == origin
    assert connection.has_own_host(Api.TRACK)
    assert not connection.has_own_host(Api.APP)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"https://{CANARY}.example", "neither Customer.io's"),
        (f"https://track.customer.io.{CANARY}.example", "neither Customer.io's"),
        (f"https://{CANARY}.customer.io", "neither Customer.io's"),
        ("https://track.customer.io.", "neither Customer.io's"),
        ("http://10.0.0.1:80", "neither Customer.io's"),
        ("http://0.0.0.0:80", "neither Customer.io's"),
        ("http://127.1:80", "neither Customer.io's"),
        ("http://0177.0.0.1", "neither Customer.io's"),
        ("http://2130706433", "neither Customer.io's"),
        ("http://[::ffff:127.0.0.1]", "not just"),
        ("http://[::]", "neither Customer.io's"),
        ("http://localhost:8025", "names localhost"),
        ("http://127.0.0.1.nip.io", "neither Customer.io's"),
        (f"http://127.0.0.1@{CANARY}.example", "not just"),
        (f"https://{CANARY}@track.customer.io", "not just"),
        (f"https://track.customer.io/{CANARY}", "not just"),
        ("https://track.customer.io//", "not just"),
        (f"https://track.customer.io?{CANARY}", "not just"),
        (f"https://track.customer.io#{CANARY}", "not just"),
        (f"https://track.customer.io\\@{CANARY}", "not just"),
        ("https://track.\ncustomer.io", "not just"),
        ("https://trac\u212a.customer.io", "not just"),
        ("http://127.0.0.\u0661", "not just"),
        ("http://127.0.0.1:0", "not just"),
        ("http://127.0.0.1:65536", "not just"),
        ("track.customer.io", "not just"),
        (f"file:///{CANARY}", "not just"),
        ("http://track.customer.io", "unencrypted"),
        ("https://track.customer.io:8443", "a port"),
        ("http://track.customer.io:443", "a port"),
        ("http://track.customer.io:80", "unencrypted"),
        ("https://api.customer.io", "the other API"),
        (8025, "is not text"),
    ],
)
def test_every_other_host_is_refused_and_not_shown(url: object, problem: str) -> None:
    error = refused({**GOOD, "track_url": url})

    assert [flaw.path for flaw in error.fields] == ["track_url"]
    assert problem in error.fields[0].problem
    assert_nothing_shows(error, CANARY)


def test_a_track_host_is_refused_for_the_app_api() -> None:
    error = refused({**GOOD, "app_url": "https://track.customer.io"})

    assert "the other API" in error.fields[0].problem


def test_a_vendor_host_tells_the_region() -> None:
    saved = {**GOOD, "track_url": "https://track-eu.customer.io"}

    assert Connection.load(saved).region == "eu"


@pytest.mark.parametrize(
    ("saved", "path", "other"),
    [
        ({"region": "EU", "track_url": "https://track.customer.io"}, "track_url", "region"),
        ({"region": "us", "app_url": "https://api-eu.customer.io"}, "app_url", "region"),
        (
            {"track_url": "https://track.customer.io", "app_url": "https://api-eu.customer.io"},
            "app_url",
            "track_url",
        ),
    ],
)
def test_fields_that_name_two_regions_are_refused(
    saved: dict[str, object], path: str, other: str
) -> None:
    error = refused({**GOOD, **saved})

    assert [flaw.path for flaw in error.fields] == [path]
    assert error.fields[0].problem.endswith(f"than {other}")


def test_origins_are_all_that_base_url_can_give() -> None:
    plain = Connection.load(GOOD)
    local = Connection.load({**GOOD, "track_url": "http://127.0.0.1:1"}, apis={Api.TRACK})

    assert plain.origins() == {
        "https://track.customer.io",
        "https://track-eu.customer.io",
        "https://api.customer.io",
        "https://api-eu.customer.io",
    }
    assert local.origins() == {"http://127.0.0.1:1"}


def test_a_ca_file_must_be_a_readable_pem_file(tmp_path: Path) -> None:
    pem = tmp_path / "ca.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\n")
    other = tmp_path / f"{CANARY}.txt"
    other.write_text(f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n")

    loaded = Connection.load({**GOOD, "ca_file": f" {pem} "})
    assert loaded.ca_file == str(pem)
    assert str(pem) not in repr(loaded)
    for bad, problem in [
        (str(tmp_path), "not a file"),
        (str(tmp_path / CANARY), "not a file"),
        (f"{CANARY}\0", "not a file"),
        (f"{CANARY}\ud800", "not a file"),
        (CANARY * 1000, "not a file"),
        (str(other), "without a PEM certificate"),
        (5, "is not text"),
    ]:
        error = refused({**GOOD, "ca_file": bad})
        assert problem in error.fields[0].problem
        assert_nothing_shows(error, CANARY, str(tmp_path))
