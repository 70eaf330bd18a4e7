"""A connection loads what a builder may have saved, and refuses the rest without showing it."""

from __future__ import annotations

import string
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.connection import Connection
from customerio_tool.connection.fields import connection_fields
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.subtools.declare import Api
from tests.connection.refusals import CANARY, GOOD, assert_nothing_shows, refused
from tests.support.clients import APP, SITE, TRACK


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
            "workspace_id": CANARY,
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
