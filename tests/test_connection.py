"""A connection loads what a builder may have saved, and refuses the rest without showing it."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import string
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

import customerio_tool
from customerio_tool.connection import (
    ALL_APIS,
    Api,
    Connection,
    connection_fields,
    connection_schema,
)
from customerio_tool.errors import ConnectionInvalid

SITE, TRACK, APP = "site-5e1f77a0", "track-0b9c41d2", "app-77d3e8f6"
GOOD: Mapping[str, object] = {"site_id": SITE, "track_api_key": TRACK, "app_api_key": APP}
CANARY = "CaNaRy7Q"
PACKAGE = Path(customerio_tool.__file__).parent


def test_a_saved_connection_loads() -> None:
    connection = Connection.load({**GOOD, "region": "eu"})

    assert connection.site_id == SITE
    assert connection.region == "eu"
    assert connection.apis == {Api.TRACK, Api.APP}


def test_keys_pasted_with_edges_are_trimmed() -> None:
    pasted = {key: f" \n\t{value}\r\n\u00a0" for key, value in GOOD.items()}

    assert Connection.load(pasted) == Connection.load(GOOD)


@pytest.mark.parametrize(
    ("saved", "region"),
    [
        ({}, None),
        ({"region": None}, None),
        ({"region": ""}, None),
        ({"region": "  "}, None),
        ({"region": "us"}, "us"),
        ({"region": "US"}, "us"),
        ({"region": " eu "}, "eu"),
        ({"region": "Eu\n"}, "eu"),
    ],
)
def test_a_region_is_read_in_any_spelling(saved: dict[str, object], region: str | None) -> None:
    assert Connection.load({**GOOD, **saved}).region == region


def test_every_blank_optional_field_means_not_given() -> None:
    optional = [key for key, field in connection_fields().items() if not field.required]

    for blank in (None, "", "  "):
        assert Connection.load({**GOOD, **dict.fromkeys(optional, blank)}) == Connection.load(GOOD)


# --- what is refused, and that no value of it shows


def refused(saved: Any, **options: Any) -> ConnectionInvalid:
    with pytest.raises(ConnectionInvalid) as caught:
        Connection.load(saved, **options)
    return caught.value


def assert_nothing_shows(error: BaseException, *values: str) -> None:
    """Look for values in all of an error, and in the locals of the package's own frames."""
    said = [str(error), repr(error), repr(error.args), repr(vars(error))]
    said.append("".join(traceback.format_exception(error)))
    if isinstance(error, ConnectionInvalid):
        said.append(json.dumps(error.as_result()))
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in report.stack if PACKAGE in Path(frame.filename).parents]
    assert frames, "the error was raised inside the package"
    said.extend(repr(frame.locals) for frame in frames)
    assert error.__cause__ is None
    assert error.__context__ is None
    for value in values:
        assert not [text for text in said if value in text]


BAD_KEYS: Mapping[str, tuple[object, str]] = {
    "null": (None, "is missing"),
    "empty": ("", "is empty"),
    "blank": (" \n ", "is empty"),
    "a number": (7_351_946_082, "is not text"),
    "true": (True, "is not text"),
    "a list": ([CANARY], "is not text"),
    "a mapping": ({CANARY: CANARY}, "is not text"),
    "bytes": (CANARY.encode(), "is not text"),
    "a space inside": (f"{CANARY} {CANARY}", "whitespace"),
    "a newline inside": (f"{CANARY}\n{CANARY}", "whitespace"),
    "a control character": (f"{CANARY}\x00", "control character"),
    "delete": (f"{CANARY}\x7f{CANARY}", "control character"),
    "a letter outside ASCII": (f"{CANARY}é", "outside ASCII"),
    "a zero-width space": (f"\u200b{CANARY}", "outside ASCII"),
    "a lone surrogate": (f"{CANARY}\ud800", "outside ASCII"),
    "a bearer prefix": (f"Bearer {CANARY}", "authorization scheme"),
    "a basic prefix": (f" basic {CANARY}", "authorization scheme"),
    "a whole header": (f"Authorization: Bearer {CANARY}", "authorization scheme"),
    "quotes": (f'"{CANARY}"', "quotation marks"),
    "a mask": ("***", "mask"),
    "a web address": (f"https://{CANARY}.example", "web address"),
    "an email": (f"{CANARY}@example.com", "email address"),
}


@pytest.mark.parametrize("key", ["site_id", "track_api_key", "app_api_key"])
@pytest.mark.parametrize("bad", BAD_KEYS)
def test_a_key_that_cannot_be_right_is_named_and_not_shown(key: str, bad: str) -> None:
    value, problem = BAD_KEYS[bad]

    error = refused({**GOOD, key: value})

    assert [flaw.path for flaw in error.fields] == [key]
    assert problem in error.fields[0].problem
    assert error.fields[0].fix
    assert_nothing_shows(error, CANARY, "7351946082", SITE, TRACK, APP)


@pytest.mark.parametrize("key", ["site_id", "track_api_key", "app_api_key"])
def test_a_missing_key_is_named(key: str) -> None:
    error = refused({k: v for k, v in GOOD.items() if k != key})

    assert [(flaw.path, flaw.problem) for flaw in error.fields] == [(key, "is missing")]


def test_a_site_id_joined_with_its_key_is_refused() -> None:
    error = refused({**GOOD, "site_id": f"{CANARY}:{TRACK}"})

    assert "colon" in error.fields[0].problem
    assert_nothing_shows(error, CANARY, TRACK)


@pytest.mark.parametrize(
    ("one", "other"),
    [("site_id", "track_api_key"), ("site_id", "app_api_key"), ("track_api_key", "app_api_key")],
)
def test_two_equal_keys_are_both_named(one: str, other: str) -> None:
    error = refused({**GOOD, one: CANARY, other: f" {CANARY} "})

    assert {flaw.path: flaw.problem for flaw in error.fields} == {
        one: f"is the same text as {other}",
        other: f"is the same text as {one}",
    }
    assert_nothing_shows(error, CANARY)


def test_one_error_names_every_bad_field() -> None:
    error = refused(
        {
            "site_id": CANARY,
            "track_api_key": f"Bearer {CANARY}",
            "app_api_key": CANARY,
            "region": f"mars {CANARY}",
            "track_url": f"https://{CANARY}.example",
            "app_url": f"ftp://{CANARY}",
            "ca_file": f"/{CANARY}.pem",
        }
    )

    assert [flaw.path for flaw in error.fields] == list(connection_fields())
    assert all(flaw.path in error.summary and flaw.fix in error.summary for flaw in error.fields)
    assert error.code == "connection_invalid"
    assert error.next_step == "ask_user"
    assert error.took_effect == "no"
    assert_nothing_shows(error, CANARY)


@pytest.mark.parametrize("region", ["mars", "u s", "use", "us,eu", "\uff35\uff33", 1, True, ["us"]])
def test_a_region_that_is_neither_is_refused(region: object) -> None:
    assert [flaw.path for flaw in refused({**GOOD, "region": region}).fields] == ["region"]


@pytest.mark.parametrize("saved", [None, CANARY, [("site_id", CANARY)], 5])
def test_what_is_not_a_mapping_is_refused(saved: object) -> None:
    assert_nothing_shows(refused(saved), CANARY)


@pytest.mark.parametrize(
    ("key", "shown", "fix"),
    [
        ("siteId", "siteId", "use site_id"),
        ("api_key", "api_key", "use app_api_key"),
        ("REGION", "REGION", "use region"),
        ("timeout", "timeout", "use only site_id, track_api_key"),
        ("site id", "an unknown field", "use site_id"),
        (f"{CANARY}-{CANARY}", "an unknown field", "use only"),
        ("0f3d5a6b7c8d9e0f1a2b", "an unknown field", "use only"),
        ("x" * 41, "an unknown field", "use only"),
        (7, "an unknown field", "use only"),
        (None, "an unknown field", "use only"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_known_one(
    key: object, shown: str, fix: str
) -> None:
    error = refused({**GOOD, key: CANARY})

    assert [flaw.path for flaw in error.fields] == [shown]
    assert error.fields[0].fix.startswith(fix)
    assert_nothing_shows(error, CANARY)


def test_a_key_pasted_as_a_field_name_is_not_shown() -> None:
    error = refused({**GOOD, "app_api_key": "PastedTwice", "PastedTwice": "x"})

    assert_nothing_shows(error, "PastedTwice")


KEYS = st.one_of(st.sampled_from([*connection_fields(), "siteId", "key"]), st.text(max_size=50))
TEXTS = st.builds(lambda left, right: left + CANARY + right, st.text(), st.text())


@given(st.dictionaries(KEYS, st.one_of(TEXTS, st.sampled_from(["", "us", " EU"]))))
def test_any_mapping_of_text_loads_or_is_refused_without_a_value(saved: dict[str, str]) -> None:
    refusal = None
    try:
        Connection.load(saved)
    except ConnectionInvalid as error:
        refusal = error
    if refusal is not None:
        assert refusal.fields
        assert_nothing_shows(refusal, CANARY)


PRINTABLE = st.text(string.ascii_letters + string.digits + "!#$%&()+,-./;<=>?[]^_{|}~", min_size=1)


@given(PRINTABLE)
def test_any_printable_key_reaches_the_header_as_it_is(key: str) -> None:
    saved = {"app_api_key": f"k1{key}2k"}
    if "://" in key:
        refused(saved, apis={Api.APP})
    else:
        connection = Connection.load(saved, apis={Api.APP})
        assert connection.authorization(Api.APP) == f"Bearer k1{key}2k"


# --- what shows of a connection that loaded

SHOWN: Mapping[str, Callable[[Connection], object]] = {
    "repr": repr,
    "str": str,
    "f-string": lambda c: f"{c} {c!r} {c.track_api_key} {c.app_api_key!s:>20} {c.app_api_key!r}",
    "percent": lambda c: "%s %r" % (c, c.app_api_key),  # noqa: UP031 - the old way is the test
    "model_dump": lambda c: c.model_dump(),
    "model_dump in json mode": lambda c: c.model_dump(mode="json"),
    "model_dump_json": lambda c: c.model_dump_json(),
    "dict": dict,
    "vars": vars,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy inside a dict": lambda c: copy.deepcopy({"c": vars(c)}),
    "model_copy": lambda c: c.model_copy(),
    "__getstate__": lambda c: c.__getstate__(),
    "dir": lambda c: [dir(c), c.__pydantic_fields_set__],
    "digests": lambda c: [c.digest, c.workspace_key],
    "TypeAdapter": lambda c: TypeAdapter(Connection).dump_json(c),
}


@pytest.mark.parametrize("way", SHOWN)
def test_no_way_of_printing_a_connection_shows_a_key(way: str) -> None:
    shown = repr(SHOWN[way](Connection.load(GOOD)))

    assert TRACK not in shown
    assert APP not in shown


def test_a_key_shows_as_three_stars() -> None:
    connection = Connection.load(GOOD)

    assert f"{connection.track_api_key}" == "***"
    assert f"site_id='{SITE}', track_api_key=***, app_api_key=***" in repr(connection)
    assert connection.model_dump()["app_api_key"] == "***"
    assert json.loads(connection.model_dump_json())["track_api_key"] == "***"


def test_a_traceback_with_locals_shows_no_key() -> None:
    connection = Connection.load(GOOD)
    try:
        connection.no_such_attribute  # type: ignore[attr-defined]  # noqa: B018
    except AttributeError as error:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = "".join(report.format())

    assert "connection = Connection(" in shown
    assert TRACK not in shown
    assert APP not in shown


def test_what_was_dumped_does_not_load_again() -> None:
    error = refused(Connection.load(GOOD).model_dump())

    assert [flaw.path for flaw in error.fields] == ["track_api_key", "app_api_key"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_is_refused(protocol: int) -> None:
    connection = Connection.load(GOOD)

    for held in (connection, connection.app_api_key):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(held, protocol)


def test_copies_are_the_connection_itself() -> None:
    connection = Connection.load(GOOD)

    assert copy.copy(connection) is connection
    assert copy.copy(connection.app_api_key) is connection.app_api_key
    assert copy.deepcopy(connection) is connection
    assert connection.model_copy(deep=True) is connection


RAW: dict[str, Any] = {"site_id": SITE, "track_api_key": CANARY, "app_api_key": APP}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Connection(**RAW),
        lambda: Connection.model_construct(**RAW),
        lambda: Connection.model_validate(RAW),
        lambda: Connection.model_validate_json(json.dumps(RAW)),
        lambda: Connection.load(GOOD).model_copy(update=RAW),
    ],
)
def test_no_other_way_of_making_one_is_open(make: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"Connection\.load") as caught:
        make()
    assert_nothing_shows(caught.value, CANARY)


def test_a_connection_cannot_be_changed() -> None:
    connection = Connection.load(GOOD)

    with pytest.raises(ValidationError, match="frozen"):
        connection.region = "us"  # type: ignore[misc]  # that it fails is the test


# --- the environment

ENVIRON = {
    "CUSTOMERIO_SITE_ID": SITE,
    "CUSTOMERIO_TRACK_API_KEY": f"{TRACK}\n",
    "CUSTOMERIO_APP_API_KEY": APP,
    "CUSTOMERIO_REGION": "EU",
    "CUSTOMERIO_TRACK_URL": "http://127.0.0.1:8025",
    "CUSTOMERIO_APP_URL": "http://127.0.0.1:8026/",
    "CUSTOMERIO_CA_FILE": "",
    "PATH": CANARY,
}
SAME = {
    **GOOD,
    "region": "eu",
    "track_url": "http://127.0.0.1:8025",
    "app_url": "http://127.0.0.1:8026",
}


def test_from_env_reads_the_named_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)

    assert Connection.from_env() == Connection.from_env(ENVIRON) == Connection.load(SAME)


def test_from_env_names_the_variables_that_are_wrong() -> None:
    wrong = {
        **ENVIRON,
        "CUSTOMERIO_SITE_ID": APP,
        "CUSTOMERIO_TRACK_API_KEY": "",
        "CUSTOMERIO_CA_FILE": f"/{CANARY}",
    }
    with pytest.raises(ConnectionInvalid) as caught:
        Connection.from_env(wrong)

    assert {flaw.path: flaw.problem for flaw in caught.value.fields} == {
        "CUSTOMERIO_SITE_ID": "is the same text as CUSTOMERIO_APP_API_KEY",
        "CUSTOMERIO_TRACK_API_KEY": "is empty",
        "CUSTOMERIO_APP_API_KEY": "is the same text as CUSTOMERIO_SITE_ID",
        "CUSTOMERIO_CA_FILE": "is not a file that can be read",
    }
    assert_nothing_shows(caught.value, CANARY, APP)


# --- one API only


def test_a_connection_for_one_api_needs_only_its_own_fields() -> None:
    track = Connection.load({"site_id": SITE, "track_api_key": TRACK}, apis={Api.TRACK})
    app = Connection.load({"app_api_key": APP}, apis={Api.APP})

    assert track.apis == {Api.TRACK}
    assert app.apis == {Api.APP}


@pytest.mark.parametrize(
    ("saved", "apis", "asked", "absent"),
    [
        (GOOD, {Api.TRACK}, Api.APP, ["app_api_key"]),
        (GOOD, {Api.APP}, Api.TRACK, ["site_id", "track_api_key"]),
    ],
)
def test_the_other_api_is_refused_by_the_names_of_its_fields(
    saved: Mapping[str, object], apis: set[Api], asked: Api, absent: list[str]
) -> None:
    connection = Connection.load(saved, apis=apis)

    with pytest.raises(ConnectionInvalid) as caught:
        connection.authorization(asked)
    assert [flaw.path for flaw in caught.value.fields] == absent
    assert_nothing_shows(caught.value, TRACK, APP)


def test_what_belongs_to_the_other_api_is_neither_checked_nor_kept() -> None:
    saved = {**GOOD, "app_api_key": "not a key", "app_url": "nowhere"}

    connection = Connection.load(saved, apis={Api.TRACK})

    assert connection.app_api_key is None
    assert connection.app_url is None


@pytest.mark.parametrize("apis", [set(), {"track"}, "track"])
def test_apis_must_hold_an_api(apis: Any) -> None:
    with pytest.raises(ValueError, match=r"Api\.TRACK") as caught:
        Connection.load({**GOOD, "app_api_key": CANARY}, apis=apis)
    assert_nothing_shows(caught.value, CANARY)


# --- headers, hosts and digests


def test_each_api_has_its_own_authorization() -> None:
    connection = Connection.load(GOOD)
    scheme, _, pair = connection.authorization(Api.TRACK).partition(" ")

    assert scheme == "Basic"
    assert base64.b64decode(pair).decode() == f"{SITE}:{TRACK}"
    assert connection.authorization(Api.APP) == f"Bearer {APP}"


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
        ("https://track.customer.io:443", "a port"),
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


def test_keys_are_masked_in_replies_however_encoded() -> None:
    connection = Connection.load({**GOOD, "app_api_key": 'app"/key+1234'})
    pair = connection.authorization(Api.TRACK).removeprefix("Basic ")
    reply = f'{TRACK} {pair} app"/key+1234 app\\"/key+1234 app%22%2Fkey%2B1234 {SITE} kept'

    assert connection.mask(reply.encode()) == f"*** *** *** *** *** {SITE} kept".encode()


def test_a_key_too_short_to_be_one_does_not_garble_a_reply() -> None:
    connection = Connection.load({"app_api_key": "1"}, apis={Api.APP})

    assert connection.mask(b'{"id": 112}') == b'{"id": 112}'


def test_the_workspace_key_depends_on_the_site_id_alone() -> None:
    key = Connection.load(GOOD).workspace_key

    assert len(key) == 16
    assert key == Connection.load({**SAME, "app_api_key": "another"}).workspace_key
    assert key != Connection.load({**GOOD, "site_id": "another"}).workspace_key
    assert Connection.load({"app_api_key": SITE}, apis={Api.APP}).workspace_key == key


@pytest.mark.parametrize(
    "change",
    [
        {"site_id": "other"},
        {"track_api_key": "other"},
        {"app_api_key": "other"},
        {"region": "us"},
        {"track_url": "http://127.0.0.1:1"},
        {"app_url": "http://127.0.0.1:1"},
    ],
)
def test_the_digest_changes_with_every_field(change: dict[str, object]) -> None:
    one, same, other = (Connection.load(saved) for saved in (GOOD, GOOD, {**GOOD, **change}))

    assert one == same
    assert hash(one) == hash(same)
    assert one.digest == same.digest
    assert one != other
    assert one.digest != other.digest


# --- what is declared


def test_the_form_has_the_four_fields_of_the_product_page() -> None:
    form = [f.as_form(key) for key, f in connection_fields().items() if not f.operator]

    assert [(f["key"], f["label"], f["required"], f["secret"], f["type"]) for f in form] == [
        ("site_id", "Track API Site ID", True, False, "string"),
        ("track_api_key", "Track API Key", True, True, "string"),
        ("app_api_key", "App API Key", True, True, "string"),
        ("region", "Region", False, False, "enum"),
    ]
    assert form[3]["options"] == [{"value": "us", "label": "US"}, {"value": "eu", "label": "EU"}]
    assert all(f["help"] and f["help_url"] and f["placeholder"] for f in form)
    assert all("API Credentials" in f["help"] for f in form[:3])


def test_the_schema_is_valid_and_requires_what_each_api_needs() -> None:
    for apis in (ALL_APIS, {Api.TRACK}, {Api.APP}):
        jsonschema.Draft202012Validator.check_schema(connection_schema(apis))

    assert connection_schema()["required"] == ["site_id", "track_api_key", "app_api_key"]
    assert connection_schema({Api.TRACK})["required"] == ["site_id", "track_api_key"]
    assert connection_schema({Api.APP})["required"] == ["app_api_key"]
    assert connection_schema()["additionalProperties"] is False


@given(st.text(alphabet=st.sampled_from(" \t\n\x1f\x85\u00a0\u2003uUsSeE\ufb00\u0131"), max_size=6))
def test_the_schema_and_load_agree_on_every_region(region: str) -> None:
    saved = {**GOOD, "region": region}
    valid = jsonschema.Draft202012Validator(connection_schema()).is_valid(saved)
    try:
        loaded = Connection.load(saved).region in ("us", "eu", None)
    except ConnectionInvalid:
        loaded = False

    assert valid == loaded


def test_importing_the_module_does_not_load_jsonschema() -> None:
    code = "import sys, customerio_tool.connection; sys.exit('jsonschema' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
