"""`main(inputs, env_variables)` finds the call in what a studio hands over, and never raises."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool, Sandbox
from customerio_tool.doors.studio import main
from customerio_tool.doors.studio.shapes import MAX_CAPTURED_CHARS
from customerio_tool.subtools import lookups, subtools
from tests.support.canaries import PERSON
from tests.support.shell import environment, invoke

NAME, ARGUMENTS = "track_event", {"customer_id": "u1", "name": "order_paid", "data": {"total": 7}}
DOTTED = {f"customer_io.{NAME}.{key}": value for key, value in ARGUMENTS.items()}
OTHERS = {
    "conversation_history": [{"role": "user", "content": "name it order_paid"}],
    "telegram.get_chat_member_count": {"count": 3},
    "email": "someone@example.com",
    "input": "book it",
    "customer_io.get_segment": {"ok": True, "summary": "…", "segment": {"id": 1}},
}
"""Variables of a session that are none of the call's."""

SHAPES: Mapping[str, Any] = {
    "nested": {"subtool": NAME, "arguments": ARGUMENTS},
    "nested as JSON text": {"subtool": NAME, "arguments": json.dumps(ARGUMENTS)},
    "under parameters": {"subtool": NAME, "parameters": ARGUMENTS},
    "under input": {"subtool": NAME, "input": ARGUMENTS},
    "flat": {"subtool": NAME, **ARGUMENTS},
    "flat with JSON text": {"subtool": NAME, **ARGUMENTS, "data": '{"total": 7}'},
    "flat with blanks": {"subtool": NAME, **ARGUMENTS, "timestamp": "", "event_id": None},
    "by title": {"subtool": " Track Event ", **ARGUMENTS},
    "by its long name": {"operation": "customer_io.track_event", "arguments": ARGUMENTS},
    "no arguments but flat ones": {"subtool": NAME, "arguments": "", **ARGUMENTS},
    "dotted": {"subtool": NAME, **DOTTED},
    "dotted alone": DOTTED,
    "dotted under the class's name": {f"CustomerIoTool.{NAME}": ARGUMENTS},
    "nested by tool and subtool": {"customer_io": {NAME: ARGUMENTS}},
    "dotted before flat": {**DOTTED, "name": "Ada"},
}


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    """A local Customer.io for all shapes."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def env(local: Sandbox) -> dict[str, str]:
    """The variables of a studio's environment."""
    return environment(local.connection())


def sent(local: Sandbox) -> tuple[str, str, Any]:
    request = local.requests()[-1]
    return request["path"], request["json"]["name"], request["json"].get("data")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("others", [{}, OTHERS], ids=["alone", "in a session"])
@pytest.mark.parametrize("is_text", [False, True], ids=["mapping", "text"])
def test_every_shape_of_the_inputs_makes_the_same_call(
    shape: str, others: Mapping[str, Any], is_text: bool, local: Sandbox, env: dict[str, str]
) -> None:
    inputs = {**others, **SHAPES[shape]}
    returned = main(json.dumps(inputs) if is_text else inputs, env)
    assert returned["output"]["outcome"] == "accepted", returned
    assert sent(local) == ("/api/v1/customers/u1/events", "order_paid", {"total": 7})


def test_a_number_may_be_text(env: dict[str, str]) -> None:
    inputs = {"subtool": "list_segments", "limit": "2", "full": "false", "type": ""}
    assert main(inputs, env)["output"]["count"] == 2


@pytest.mark.parametrize(
    "name", ["customerId", "Customer ID", "customer_ids", "customer_io.track_event.customerId"]
)
def test_a_variable_that_must_be_meant_is_not_passed_over(name: str, env: dict[str, str]) -> None:
    output = main({"subtool": NAME, name: "u1", "name": "paid"}, env)["output"]
    assert output["error"]["try"] == {"customer_id": "u1", "name": "paid"}


def test_a_missing_argument_is_named(env: dict[str, str]) -> None:
    output = main({"subtool": NAME, "name": "paid"}, env)["output"]
    assert output["error"]["code"] == "arguments_invalid"
    assert "customer_id" in output["summary"]


@pytest.mark.parametrize(
    "inputs", [None, "", {}, {**DOTTED, "customer_io.get_segment.segment_id": 1}]
)
def test_inputs_without_one_subtool_say_how_to_name_it(
    inputs: Any, env: dict[str, str]
) -> None:  # fmt: skip
    output = main(inputs, env)["output"]
    assert output["error"]["code"] == "subtool_unknown"
    assert "give its name as `subtool`" in output["summary"]


def test_an_unknown_subtool_gets_the_nearest_one(env: dict[str, str]) -> None:
    assert "'track_event'" in main({"subtool": "trackevent"}, env)["output"]["summary"]


# The connection


def test_the_fields_of_a_saved_connection_may_stand_in_for_the_variables(local: Sandbox) -> None:
    saved = {**local.connection(), "OTHER": "x"}
    assert main(SHAPES["flat"], saved)["output"]["ok"]
    assert main(SHAPES["flat"], {**saved, "policy": "read_only"})["output"]["error"]["code"] == (
        "policy_refused"
    )


def test_variables_may_be_json_text_and_other_values_than_text(env: dict[str, str]) -> None:
    given = json.dumps({**env, "CUSTOMERIO_READ_ONLY": True, "CUSTOMERIO_AUDIT_FILE": None, "N": 7})
    assert main(SHAPES["flat"], given)["output"]["error"]["code"] == "policy_refused"


def test_a_call_needs_the_keys_of_its_own_api_alone(env: dict[str, str]) -> None:
    del env["CUSTOMERIO_APP_API_KEY"]
    assert main(SHAPES["flat"], env)["output"]["ok"]
    failed = main({"subtool": "list_segments"}, env)["output"]
    assert failed["error"]["fields"][0]["path"] == "CUSTOMERIO_APP_API_KEY"


def test_a_call_that_erases_reads_its_target_where_it_has_the_key(env: dict[str, str]) -> None:
    output = main({"subtool": "delete_customer", "customer_id": "nobody"}, env)["output"]
    assert output["existed"] is False


def test_without_variables_those_of_the_process_count(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert main(SHAPES["flat"])["output"]["ok"]


def test_a_wrong_redis_url_is_a_result(env: dict[str, str]) -> None:
    output = main(SHAPES["flat"], {**env, "CUSTOMERIO_REDIS_URL": "ftp://secret@x"})["output"]
    assert output["error"]["code"] == "connection_invalid"
    assert "secret" not in json.dumps(output)


@pytest.mark.parametrize("key", ["workflow_id", "run_id"])
def test_the_run_of_the_studio_is_the_run_of_the_ledger(key: str, env: dict[str, str]) -> None:
    mail = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}
    inputs = {"subtool": "send_transactional_email", **mail, "subject": key}
    outcomes = [main({**inputs, key: f"{key}-{n}"}, env)["output"]["outcome"] for n in (1, 1, 2)]
    assert outcomes == ["accepted", "already_sent", "accepted"]


def test_a_call_that_nobody_could_approve_is_refused_and_does_not_wait(
    local: Sandbox, env: dict[str, str]
) -> None:
    inputs = {"subtool": "delete_customer", "customer_id": "u1"}
    output = main(inputs, {**env, "CUSTOMERIO_POLICY": "careful"})["output"]
    assert (output["error"]["code"], "confirmation_id" in output) == ("policy_refused", False)
    assert "CUSTOMERIO_CONFIRM=never" in output["summary"]
    with CustomerIoTool(local.connection()) as tool:
        assert tool.waiting() == []


@pytest.mark.parametrize("policy", [{"allowed_recipients": ["b.example"]}, "read_only"])
def test_the_policy_of_a_saved_connection_holds(local: Sandbox, policy: Any) -> None:
    mail = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}
    saved = {**local.connection(), "policy": policy}
    output = main({"subtool": "send_transactional_email", **mail}, saved)["output"]
    assert output["error"]["code"] == "policy_refused"


def test_a_call_that_waits_in_a_file_is_approved_from_the_shell(
    env: dict[str, str], tmp_path: Path
) -> None:
    shared = {
        **env,
        "CUSTOMERIO_POLICY": "careful",
        "CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.sqlite"),
    }
    inputs = {"subtool": "delete_customer", "customer_id": "nobody"}
    returned = main(inputs, shared)
    waiting = returned["output"]["confirmation_id"]
    assert returned["captured_variables"]["customer_io_confirmation_id"] == waiting
    assert invoke("approvals", "approve", waiting, "--yes", env=shared).exit_code == 0
    assert main(inputs, shared)["output"]["confirmation_id"] != waiting, "it ran, once"


def test_the_advice_of_that_refusal_is_true(env: dict[str, str]) -> None:
    asked_by_the_studio = {"CUSTOMERIO_POLICY": "careful", "CUSTOMERIO_CONFIRM": "never"}
    inputs = {"subtool": "delete_customer", "customer_id": "nobody"}
    assert main(inputs, {**env, **asked_by_the_studio})["output"]["ok"]


def test_a_call_that_must_be_repeated_takes_the_token_of_the_first(env: dict[str, str]) -> None:
    repeating = {**env, "CUSTOMERIO_CONFIRM": "repeat"}
    inputs = {"subtool": "delete_segment", "segment_id": "1000000"}
    asked = main(inputs, repeating)["output"]
    assert asked["error"]["code"] == "confirmation_required"
    token = asked["confirmation_token"]
    repeated = main({**inputs, "confirmation_token": token}, repeating)["output"]
    assert repeated.get("error", {}).get("code") != "confirmation_required"


def test_the_audit_trail_names_the_door(env: dict[str, str], tmp_path: Path) -> None:
    trail = tmp_path / "audit.jsonl"
    assert main(SHAPES["flat"], {**env, "CUSTOMERIO_AUDIT_FILE": str(trail)})["output"]["ok"]
    (line,) = map(json.loads, trail.read_text(encoding="utf-8").splitlines())
    assert line["door"] == "studio"


# What it returns


@pytest.mark.parametrize("name", subtools())
def test_captured_variables_are_small_and_of_no_person(name: str, env: dict[str, str]) -> None:
    person = {"customer_id": "ada@example.com"}
    arguments = {**subtools()[name].examples[0].arguments}
    arguments.update({key: person[key] for key in person.keys() & arguments.keys()})
    returned = main({"subtool": name, "arguments": arguments}, env)
    assert list(returned) == ["output", "captured_variables", "capture_variables"]
    captured = returned["captured_variables"]
    assert captured == returned["capture_variables"]
    assert captured["customer_io_ok"] == returned["output"]["ok"]
    text = json.dumps(captured)
    assert len(text) <= MAX_CAPTURED_CHARS
    assert "@" not in text
    assert not {"u1", "u2"} & {each for each in captured.values() if isinstance(each, str)}


def test_a_call_sets_the_same_variables_whether_it_fails_or_not(env: dict[str, str]) -> None:
    (segment,) = main({"subtool": "list_segments", "limit": 1}, env)["output"]["segments"]
    inputs = {"subtool": "get_segment", "segment_id": segment["id"], "include_count": True}
    good = main(inputs, env)
    bad = main({"subtool": "get_segment", "segment_id": 10**6}, env)
    assert good["captured_variables"].keys() == bad["captured_variables"].keys()
    assert good["captured_variables"]["customer_io_error"] == ""
    assert bad["captured_variables"]["customer_io_error"] == "not_found"
    assert bad["captured_variables"]["customer_io_customer_count"] == ""


def test_what_it_returns_is_json(env: dict[str, str]) -> None:
    returned = main({"subtool": "get_customer_attributes", "customer_id": "u1"}, env)
    assert json.loads(json.dumps(returned)) == returned


# It never raises


class Raising(dict[str, Any]):
    """A mapping that cannot be read."""

    def items(self) -> NoReturn:
        raise RuntimeError(PERSON)


NONSENSE = (
    *(7, True, [1], "[1]", "{", b"\xff", object(), {"subtool": 7}, {1: 2}, {"subtool": "\0"}),
    *({"subtool": NAME, "arguments": "{"}, {"subtool": NAME, "data": object()}, Raising(a=1)),
    {"subtool": NAME, "arguments": {"data": float("nan")}},
)


@pytest.mark.parametrize("inputs", NONSENSE, ids=lambda value: type(value).__name__)
def test_nonsense_as_inputs_is_a_result(inputs: Any, env: dict[str, str]) -> None:
    output = main(inputs, env)["output"]
    assert output["ok"] is False
    assert output["error"]["took_effect"] == "no"


@pytest.mark.parametrize("variables", [7, "{", [1], {"CUSTOMERIO_SITE_ID": object()}, Raising(a=1)])
def test_nonsense_as_variables_is_a_result(variables: Any) -> None:
    returned = main(SHAPES["flat"], variables)
    assert returned["output"]["error"]["took_effect"] == "no"
    assert PERSON not in json.dumps(returned)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["subtool", "arguments", "customer_io", "name", "customer_io.track_event"])
        | st.text(max_size=8),
        st.sampled_from([*subtools()]) | JSON_VALUES,
    )
)
def test_any_json_as_inputs_is_a_result(inputs: Any) -> None:
    assert main(inputs, {})["output"]["ok"] is False


def test_a_failure_of_the_tool_itself_leaves_the_outcome_open(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object, **named: object) -> NoReturn:
        raise RuntimeError(PERSON)

    monkeypatch.setattr(CustomerIoTool, "call", fail)
    returned = main(SHAPES["flat"], env)
    assert returned["output"]["error"]["took_effect"] == "unknown"
    assert PERSON not in json.dumps(returned)


def test_an_interrupt_passes(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*given: object, **named: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(CustomerIoTool, "call", interrupt)
    with pytest.raises(KeyboardInterrupt):
        main(SHAPES["flat"], env)


def test_a_misspelt_name_leads_to_a_look_up_only_where_they_are_on(env: dict[str, str]) -> None:
    for misspelt in ("find_customer", "list_brodcasts", "search_people"):
        off = main({"subtool": misspelt}, env)["output"]["summary"]
        assert not [name for name in lookups() if f"'{name}'" in off]
        on = main({"subtool": misspelt}, {**env, "CUSTOMERIO_LOOKUPS": "true"})["output"]["summary"]
        assert [name for name in lookups() if f"'{name}'" in on]
