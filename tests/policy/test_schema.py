"""The published schema of a connection takes every saved policy that the tool takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from customerio_tool import Connection, CustomerIoTool
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.policy import Policy
from customerio_tool.policy.policy import PRESETS
from customerio_tool.subtools import subtools
from tests.support.project import ROOT

SAVED = {"site_id": "site", "track_api_key": "track-key", "app_api_key": "app-key"}
SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas/connection.json").read_text("utf-8"))
PUBLISHED = Draft202012Validator(SCHEMA)

words = st.sampled_from(["true", " False ", "1", "yes", "OFF", "human", "Repeat", "12", " 7 "])
names = st.sampled_from([*subtools(), " track_event ", "example.com", "ada@example.com", "plan"])
lists = st.lists(names, max_size=3)
asked = st.dictionaries(
    st.sampled_from(["erase", "send", "read"]), st.sampled_from(["never", "Human", "x", None])
)
values = st.one_of(
    *(asked, asked.map(json.dumps), st.just("erase=human, SEND = never")),
    *(st.none(), st.booleans(), st.integers(-1, 10**20), words, names, lists),
    lists.map(json.dumps),
    lists.map(",".join),
)
fields = st.dictionaries(st.sampled_from(list(Policy.model_fields)), values, max_size=3)
presets = st.sampled_from([*PRESETS, " Careful ", "no_such_preset"])
policies = st.one_of(
    *(st.none(), presets, fields, fields.map(json.dumps)),
    st.builds(lambda preset, others: {"preset": preset, **others}, presets, fields),
)


@given(policy=policies)
@settings(max_examples=300, deadline=None)
def test_what_the_tool_takes_keeps_the_published_schema(policy: Any) -> None:
    saved = {**SAVED, "policy": policy}
    try:
        CustomerIoTool(saved).close()
    except ConnectionInvalid:
        return
    assert PUBLISHED.is_valid(saved), policy


@pytest.mark.parametrize(
    "policy",
    [
        *("", " ", 7, True, ["careful"]),
        {"read_onyl": True},
        {"read_only": 1},
        {"read_only": ""},
        {"enabled": ["update_customer"]},
        {"enabled": ""},
        {"enabled": [""]},
        {"allowed_recipients": 7},
        {"send_budget": -1},
        {"send_budget": "many"},
        {"send_budget": 1.5},
        {"confirm": "sometimes"},
        {"preset": "cautious"},
    ],
    ids=str,
)
def test_what_cannot_be_a_policy_is_refused_by_schema_and_tool(policy: Any) -> None:
    saved = {**SAVED, "policy": policy}
    assert not PUBLISHED.is_valid(saved)
    with pytest.raises(ConnectionInvalid, match="policy"):
        CustomerIoTool(saved)


def test_the_schema_says_of_every_field_what_it_is_for() -> None:
    described = SCHEMA["properties"]["policy"]["properties"]
    assert set(described) == {"preset", *Policy.model_fields}
    assert all(field["description"].endswith(".") for field in described.values())
    assert "None" not in json.dumps(described), "JSON says null"


def test_a_form_of_the_studio_does_not_ask_for_it() -> None:
    assert "policy" not in SCHEMA["required"]
    assert PUBLISHED.is_valid(SAVED)


def test_a_connection_alone_says_who_reads_the_policy_beside_it() -> None:
    with pytest.raises(ConnectionInvalid, match="give all that was saved to CustomerIoTool"):
        Connection.load({**SAVED, "policy": "careful"})
