"""The question before an erasure tells its target, and a name given as a check must be its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from tests.support.clients import code_of, example_of
from tests.support.policies import paths_of
from tests.support.sandbox_api import Api
from tests.support.targets import (
    ADA,
    ERASING,
    FAILING,
    SEGMENT,
    checked,
    guarded,
    nowhere,
    of_nobody,
    reads,
    writes,
)

each = pytest.mark.parametrize("name", ERASING)
CONFIRMS = pytest.mark.parametrize("confirm", ["human", "repeat"])


@pytest.fixture
def tool(sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    with guarded(sandbox) as made:
        yield made


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    made = Api(sandbox)
    yield made
    made.session.close()


@each
@CONFIRMS
def test_the_question_tells_what_would_be_erased(sandbox: Sandbox, name: str, confirm: str) -> None:
    with guarded(sandbox, confirm) as tool:
        asked = checked(name, tool.call(name, example_of(name)))
        nobody = checked(name, tool.call(name, of_nobody(name)))
    assert code_of(asked) == code_of(nobody) == "confirmation_required"
    assert (asked["existed"], nobody["existed"]) == (True, False)
    assert asked["target"]
    assert "target" not in nobody
    assert "known before" in nobody["summary"]
    assert writes(sandbox) == []


@each
def test_a_token_serves_the_call_although_the_read_shows_other_data_then(
    sandbox: Sandbox, name: str
) -> None:
    arguments = example_of(name)
    with guarded(sandbox, "repeat") as tool:
        token = tool.call(name, arguments)["confirmation_token"]
        nowhere(sandbox, status=404)
        result = tool.call(name, {**arguments, "confirmation_token": token})
    assert (result["ok"], result["existed"]) == (True, False)


@each
def test_an_approved_call_reads_again_and_erases_what_the_person_saw(
    sandbox: Sandbox, name: str
) -> None:
    with guarded(sandbox, "human") as tool:
        waiting = tool.call(name, example_of(name))["confirmation_id"]
        before = len(reads(sandbox))
        result = tool.approve(waiting)
    assert (result["ok"], result["existed"]) == (True, True)
    assert len(reads(sandbox)) == 2 * before
    assert len(writes(sandbox)) == 1


@each
def test_a_read_that_fails_at_the_approval_leaves_what_the_person_saw(
    sandbox: Sandbox, name: str
) -> None:
    with guarded(sandbox, "human") as tool:
        waiting = tool.call(name, example_of(name))["confirmation_id"]
        nowhere(sandbox, status=500)
        assert tool.approve(waiting)["ok"]


@pytest.mark.parametrize("name", ["delete_customer", "suppress_customer"])
@pytest.mark.parametrize("was_there", [True, False])
def test_a_person_is_asked_again_where_somebody_else_has_the_id_by_then(
    sandbox: Sandbox, api: Api, name: str, was_there: bool
) -> None:
    path = "/api/v1/customers/u1"
    if not was_there:
        api.accept("DELETE", path)
    with guarded(sandbox, "human") as tool:
        first = tool.call(name, {"customer_id": "u1"})
        api.accept("DELETE", path)
        api.identify("u1", plan="new")
        sent = len(writes(sandbox))
        again = tool.approve(first["confirmation_id"])
        assert code_of(again) == "confirmation_required"
        assert again["target"]["cio_id"] != ADA["cio_id"]
        assert len(writes(sandbox)) == sent
        assert tool.approve(again["confirmation_id"])["ok"]


# A name as a check


@pytest.mark.parametrize("given", ["Beta testers", "  Beta testers "])
def test_a_segment_of_the_name_given_is_deleted(tool: CustomerIoTool, given: str) -> None:
    assert tool.call("delete_segment", {"segment_id": 1, "name": given})["ok"]


@pytest.mark.parametrize("given", ["VIP", "beta testers", "Beta", "Beta testers 2", "1"])
@pytest.mark.parametrize("confirm", ["never", "human", "repeat"])
def test_a_segment_of_another_name_stays_and_its_name_is_not_told(
    sandbox: Sandbox, given: str, confirm: str
) -> None:
    with guarded(sandbox, confirm) as tool:
        result = tool.call("delete_segment", {"segment_id": 1, "name": given})
    assert (code_of(result), paths_of(result)) == ("arguments_invalid", ["name"])
    assert result["error"]["next_step"] == "look_first"
    look = {"subtool": "list_segments", "arguments": {"name_contains": given}}
    assert result["error"]["look"] == look
    assert "Beta testers" not in json.dumps(result).replace(given, "")
    assert writes(sandbox) == []


def test_a_segment_that_is_not_there_has_no_name(sandbox: Sandbox, tool: CustomerIoTool) -> None:
    result = tool.call("delete_segment", {"segment_id": 99, "name": "VIP"})
    assert (code_of(result), result["error"]["took_effect"]) == ("not_found", "no")
    assert result["error"]["look"]["subtool"] == "list_segments"
    assert writes(sandbox) == []


@pytest.mark.parametrize("rule", FAILING.values(), ids=FAILING.keys())
def test_a_name_that_cannot_be_compared_deletes_nothing(
    sandbox: Sandbox, tool: CustomerIoTool, rule: dict[str, Any]
) -> None:
    sandbox.fault(operation="get_segment", **rule)
    result = tool.call("delete_segment", {"segment_id": 1, "name": "Beta testers"})
    assert not result["ok"]
    assert result["error"]["took_effect"] == "no"
    look = {"segment_id": 1, "include_count": True}
    assert result["error"]["look"] == {"subtool": "get_segment", "arguments": look}
    assert writes(sandbox) == []


def test_a_size_that_cannot_be_read_hides_no_name(sandbox: Sandbox, tool: CustomerIoTool) -> None:
    sandbox.fault(operation="segment_count", status=500)
    result = tool.call("delete_segment", {"segment_id": 1, "name": "Beta testers"})
    assert result["ok"]
    assert result["target"] == {name: SEGMENT[name] for name in ("id", "name", "type")}
