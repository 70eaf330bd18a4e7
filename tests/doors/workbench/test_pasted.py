"""What a stranger pastes: every `.env` that holds a connection is read, and nothing else fails."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.credentials import VARIABLES, apis_meant
from customerio_tool.doors.workbench.pasted import connection_in
from customerio_tool.errors import Problem
from customerio_tool.secret import Secret
from customerio_tool.subtools.declare import Api

PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="'\"\\`#$"))
FIELDS = st.dictionaries(st.sampled_from(list(connection_fields())), PLAIN.filter(bool), min_size=1)
OTHER = ("# a comment", "", "OTHER=1", "export PATH=/bin:$PATH", "  ", "CUSTOMERIO_POLICY=open")


def fields_of(text: str) -> dict[str, str]:
    return dict(connection_in(Secret(text)).reveal())


@given(
    FIELDS,
    st.sampled_from(["", "export "]),
    st.sampled_from(["", "'", '"']),
    st.sampled_from(["", " ", "  # as in the wiki"]),
    st.sampled_from(OTHER),
    st.sampled_from(["\n", "\r\n"]),
)
def test_the_lines_of_an_env_file_are_read_however_they_are_written(
    fields: dict[str, str], export: str, quote: str, after: str, other: str, end: str
) -> None:
    lines = [f"{export}{VARIABLES[key]}={quote}{v}{quote}{after}" for key, v in fields.items()]
    assert fields_of(end.join([other, *lines, other])) == fields


@given(FIELDS, st.sampled_from([0, 2]), st.booleans())
def test_the_json_of_a_saved_connection_is_read(
    fields: dict[str, str], indent: int, by_variable: bool
) -> None:
    named: dict[str, str | None] = {
        VARIABLES[key] if by_variable else key: fields.get(key) for key in connection_fields()
    }
    assert fields_of(json.dumps(named, indent=indent)) == fields


def test_a_field_that_is_given_twice_is_refused() -> None:
    with pytest.raises(Problem, match="gives a field twice"):
        fields_of('{"site_id": "a", "CUSTOMERIO_SITE_ID": "b"}')


@given(st.text())
@example("{")
@example('{"site_id": ["x"]}')
@example('{"site_id": 1e999}')
@example("{" * 5000)
@example('{"policy": "open"}')
@example("CUSTOMERIO_SITE_ID='")
@example("\ufeffCUSTOMERIO_SITE_ID=1\0")
@example("CUSTOMERIO_SITE_ID=${HOME}")
def test_any_text_gives_fields_or_a_problem_without_the_text(text: str) -> None:
    problem, found = "", dict[str, str]()
    try:
        found = fields_of(text)
    except Problem as wrong:
        problem = str(wrong)
    assert found or problem or not text.strip()
    assert len(text) < 4 or text not in problem
    assert found.keys() <= connection_fields().keys()
    assert all(value and value == value.strip() for value in found.values())


def test_a_variable_in_a_value_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THIS_MACHINE", "hidden")
    value = "a${OF_THIS_MACHINE}b"
    assert fields_of(f"CUSTOMERIO_SITE_ID={value}") == {"site_id": value}


def test_a_policy_is_not_read_silently() -> None:
    with pytest.raises(Problem, match="has a policy"):
        fields_of('{"site_id": "a", "policy": "read_only"}')


@pytest.mark.parametrize(
    ("given_keys", "apis"),
    [
        (["site_id", "track_api_key"], {Api.TRACK}),
        (["track_api_key"], {Api.TRACK}),
        (["app_api_key"], {Api.APP}),
        (["site_id", "app_api_key"], {Api.APP}),
        (["track_api_key", "app_api_key"], {Api.TRACK, Api.APP}),
        (["site_id"], {Api.TRACK}),
        (["region"], {Api.TRACK, Api.APP}),
        ([], {Api.TRACK, Api.APP}),
    ],
)
def test_the_keys_say_which_apis_are_meant(given_keys: list[str], apis: set[Api]) -> None:
    assert apis_meant(dict.fromkeys(given_keys, "x")) == apis
