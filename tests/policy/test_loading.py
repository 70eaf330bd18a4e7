"""A policy is read from text, fields or the environment, and what is wrong in it is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool, Policy
from customerio_tool.errors import ConnectionInvalid, Problem
from customerio_tool.policy.policy import PRESETS
from customerio_tool.policy.values import read_attributes
from customerio_tool.subtools import subtools
from tests.support.clients import SAVED_US
from tests.support.policies import READS


def problems_of(given: Any) -> dict[str, str]:
    with pytest.raises(ConnectionInvalid) as caught:
        Policy.load(given)
    return {problem.path: problem.problem for problem in caught.value.fields}


def test_text_means_what_it_says() -> None:
    told = Policy.load(
        {
            "enabled": " get_campaign, list_campaigns ,",
            "read_only": " TRUE ",
            "dry_run": "off",
            "allowed_recipients": '["ada@example.com", "@Example.org"]',
            "allow_triggers": "1",
            "send_budget": " 5 ",
            "hidden_attributes": "SSN,iban",
            "confirm": "Human",
        }
    )
    assert told == Policy(
        enabled={"list_campaigns", "get_campaign"},
        read_only=True,
        allowed_recipients=["ada@example.com", "@Example.org"],
        allow_triggers=True,
        send_budget=5,
        hidden_attributes=["ssn", "IBAN"],
        confirm="human",
    )


def test_a_number_has_at_most_fifteen_digits() -> None:
    assert Policy.load({"send_budget": "9" * 15}).send_budget == 10**15 - 1
    with pytest.raises(ConnectionInvalid):
        Policy.load({"send_budget": "1" + "0" * 15})


def test_a_null_is_not_given() -> None:
    nothing: dict[str, object] = dict.fromkeys(Policy.model_fields)
    assert Policy.load(nothing) == Policy()
    assert Policy.load({"preset": "read_only", "read_only": None}).read_only


@pytest.mark.parametrize(
    ("word", "made"),
    [("careful", Policy.careful()), ("read_only", Policy.reads()), (" OPEN ", Policy.open())],
)
def test_a_preset_has_a_word_and_a_method(word: str, made: Policy) -> None:
    assert Policy.load(word) == made == Policy.load({"preset": word}) != Policy()
    assert Policy.from_env({"CUSTOMERIO_POLICY": word}) == made


def test_the_presets_are_what_their_names_say() -> None:
    assert Policy.careful() == Policy(confirm="human")
    assert Policy.reads() == Policy(read_only=True)
    assert Policy.open() == Policy(event_overrides=True, data_files=True)


def test_no_field_takes_back_the_preset_that_only_reads() -> None:
    assert Policy.load({"preset": "read_only", "read_only": False}).read_only
    assert Policy.from_env(
        {"CUSTOMERIO_POLICY": "read_only", "CUSTOMERIO_READ_ONLY": "0"}
    ).read_only


def test_fields_change_a_preset() -> None:
    assert Policy.load('{"preset": "careful", "confirm": "repeat"}') == Policy(confirm="repeat")


def test_the_variable_of_the_policy_takes_all_that_its_refusal_advises() -> None:
    with pytest.raises(ConnectionInvalid, match="a JSON object of the policy's fields"):
        Policy.from_env({"CUSTOMERIO_POLICY": "cautious"})
    saved = {"preset": "careful", "allowed_recipients": ["example.com"], "send_budget": 3}
    environment = {"CUSTOMERIO_POLICY": json.dumps(saved)}
    assert Policy.from_env(environment) == Policy.load(saved)
    changed = Policy.from_env({**environment, "CUSTOMERIO_SEND_BUDGET": "1"})
    assert changed == Policy.load({**saved, "send_budget": 1})
    with pytest.raises(ConnectionInvalid, match="CUSTOMERIO_POLICY is not valid JSON"):
        Policy.from_env({"CUSTOMERIO_POLICY": '{"preset": '})


ENVIRONMENT: dict[str, tuple[str, dict[str, Any]]] = {
    "CUSTOMERIO_SUBTOOLS": ("track_event", {"enabled": ["track_event"]}),
    "CUSTOMERIO_READ_ONLY": ("yes", {"read_only": True}),
    "CUSTOMERIO_LOOKUPS": ("true", {"lookups": True}),
    "CUSTOMERIO_DRY_RUN": ("true", {"dry_run": True}),
    "CUSTOMERIO_ALLOWED_RECIPIENTS": ("example.com", {"allowed_recipients": ["example.com"]}),
    "CUSTOMERIO_ALLOW_TRIGGERS": ("on", {"allow_triggers": True}),
    "CUSTOMERIO_SEND_BUDGET": ("0", {"send_budget": 0}),
    "CUSTOMERIO_HIDDEN_ATTRIBUTES": ("ssn, iban", {"hidden_attributes": ["ssn", "iban"]}),
    "CUSTOMERIO_CONFIRM": ("repeat", {"confirm": "repeat"}),
    "CUSTOMERIO_EVENT_OVERRIDES": ("true", {"event_overrides": True}),
    "CUSTOMERIO_DATA_FILES": ("true", {"data_files": True}),
}


@pytest.mark.parametrize("variable", ENVIRONMENT)
def test_every_field_has_a_variable(variable: str) -> None:
    text, fields = ENVIRONMENT[variable]
    assert Policy.from_env({variable: text, "PATH": "/bin"}) == Policy(**fields) != Policy()
    assert len(ENVIRONMENT) == len(Policy.model_fields)


@pytest.mark.parametrize("variable", [*ENVIRONMENT, "CUSTOMERIO_POLICY"])
@pytest.mark.parametrize("text", ["", "  ", "hunter2!"])
def test_a_wrong_or_blank_variable_is_named_and_its_value_is_not(variable: str, text: str) -> None:
    if variable == "CUSTOMERIO_HIDDEN_ATTRIBUTES" and text.strip():
        return  # any name may be an attribute's
    with pytest.raises(ConnectionInvalid) as caught:
        Policy.from_env({variable: text})
    assert [problem.path for problem in caught.value.fields] == [variable]
    assert "hunter2" not in json.dumps(caught.value.as_result())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("enabled", "track_events"),
        ("enabled", 7),
        ("enabled", [["track_event"]]),
        ("enabled", '["track_event"'),
        ("read_only", "perhaps"),
        ("read_only", 1),
        ("read_only", []),
        ("dry_run", ""),
        ("allowed_recipients", ""),
        ("allowed_recipients", ","),
        ("allowed_recipients", ["example"]),
        ("allowed_recipients", ["*@example.com"]),
        ("allowed_recipients", ["a..b@example.com"]),
        ("allowed_recipients", ["*.example.com"]),
        ("allowed_recipients", ["Eve <eve@evil.example>"]),
        ("allowed_recipients", ["<eve@evil.example>"]),
        ("allowed_recipients", ["eve@evil.example", " "]),
        ("send_budget", True),
        ("send_budget", -1),
        ("send_budget", 1.5),
        ("send_budget", "five"),
        ("hidden_attributes", [1]),
        ("confirm", "always"),
        ("confirm", True),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(field: str, value: Any) -> None:
    assert list(problems_of({field: value})) == [f"policy.{field}"]
    with pytest.raises(ConnectionInvalid) as caught:
        CustomerIoTool({**SAVED_US, "policy": {field: value}})
    assert "evil" not in json.dumps(caught.value.as_result())


NO_ADDRESS = (
    "has an entry that is no e-mail address and no domain; give addresses such as ada@example.com "
    "and domains such as example.com, no patterns"
)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("send_budget", "x", "is no whole number of at least 0; give 0 or more, or leave it out"),
        ("read_only", "perhaps", "is neither true nor false; give true or false"),
        ("enabled", 7, "is not a list; give a list of names, or text with commas between them"),
        ("enabled", [" "], "has an entry that is blank or no text; give each entry as text"),
        ("enabled", ",", "is blank; leave it out, or give names with commas between them"),
        (
            "enabled",
            "[1",
            "is not valid JSON; give a JSON array, or names with commas between them",
        ),
        ("enabled", ["track_events"], "names no subtool; did you mean 'track_event'?"),
        ("allowed_recipients", ["*@example.com"], NO_ADDRESS),
        ("confirm", "x", "is not one of the choices; choose from never, human, repeat"),
        ("confirm", {"sned": "human"}, "names another effect; use erase and send"),
        ("confirm", {}, "is empty; give a word for erase or send, or leave it out"),
        ("confirm", "send=human,send=never", "names an effect twice; give each effect one word"),
        ("read_onyl", True, "is not a field of a policy; did you mean 'read_only'?"),
    ],
)
def test_a_wrong_field_is_told_with_what_would_be_right(field: str, value: Any, says: str) -> None:
    with pytest.raises(ConnectionInvalid) as caught:
        Policy.load({field: value})
    assert str(caught.value) == f"The policy cannot be used. policy.{field} {says}."


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("strict", "is not the name of a policy"),
        ("{", "is not valid JSON"),
        (7, "is not an object"),
    ],
)
def test_what_is_no_policy_is_told_with_what_is_one(given: Any, says: str) -> None:
    with pytest.raises(ConnectionInvalid) as caught:
        Policy.load(given)
    assert str(caught.value) == (
        f"The policy cannot be used. policy {says}; give {', '.join(PRESETS)} or a JSON object of "
        "the policy's fields."
    )


def test_no_hidden_attributes_are_an_empty_list_and_no_null() -> None:
    with pytest.raises(Problem, match="is null; give a list of names, or leave it out"):
        read_attributes(None)


def test_every_wrong_field_is_told_at_once_with_what_would_be_right() -> None:
    with pytest.raises(ConnectionInvalid) as caught:
        Policy.load({"read_onyl": True, "confirm": "x", "send_budget": "x", "preset": "strict"})
    told = {problem.path: problem.fix for problem in caught.value.fields}
    assert told.keys() == {"policy", "policy.read_onyl", "policy.confirm", "policy.send_budget"}
    assert told["policy.read_onyl"] == "did you mean 'read_only'?"
    assert all(word in told["policy"] for word in PRESETS)


@pytest.mark.parametrize("given", ["{", '{"confirm": "human", "confirm": "never"}', "[]", 7, []])
def test_what_is_no_policy_at_all_is_refused(given: Any) -> None:
    assert list(problems_of(given)) == ["policy"]


def test_a_pasted_key_in_place_of_a_field_is_not_shown() -> None:
    assert list(problems_of({"app-77d3e8f6": "x"})) == ["policy.an unknown field"]


@given(
    st.dictionaries(
        st.sampled_from([*Policy.model_fields, "preset", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=4,
        ),
    )
)
def test_whatever_is_configured_is_a_policy_or_an_error_that_names_fields(given: Any) -> None:
    found: list[object]
    try:
        found = [Policy.load(given)]
    except ConnectionInvalid as error:
        found = list(error.fields)
    assert found


def test_a_policy_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Policy().read_only = True  # type: ignore[misc]  # that is what is tested


def test_a_saved_connection_may_bring_its_policy(net: responses.RequestsMock) -> None:
    with CustomerIoTool({**SAVED_US, "policy": {"preset": "careful", "read_only": "true"}}) as tool:
        assert tool.subtools() == READS
    with CustomerIoTool({**SAVED_US, "policy": None}) as tool:
        assert tool.subtools() == list(subtools())


def test_two_policies_are_one_too_many() -> None:
    with pytest.raises(ConnectionInvalid) as caught:
        CustomerIoTool({**SAVED_US, "policy": "read_only"}, policy=Policy())
    assert [problem.path for problem in caught.value.fields] == ["policy"]


def test_a_tool_takes_what_load_takes() -> None:
    with CustomerIoTool(SAVED_US, policy="read_only") as tool:
        assert tool.subtools() == READS
