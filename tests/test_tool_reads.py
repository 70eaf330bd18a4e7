"""What is read comes back within a budget, with how to go on."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses
from jsonschema import Draft202012Validator

from customerio_tool import CustomerIoTool
from customerio_tool.subtools.declare.vendor_json import MAX_RESULT_CHARS
from tests.support.clients import APP_US


def test_get_segment_makes_a_second_read_for_the_count(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.get(f"{APP_US}/v1/segments/7", json={"segment": {"id": 7}})
    net.get(f"{APP_US}/v1/segments/7/customer_count", json={"segment_id": 7, "count": 2})

    result = tool.call("get_segment", {"segment_id": 7, "include_count": True})

    assert result["customer_count"] == 2
    assert len(net.calls) == 2


def test_get_segment_reads_once_unless_asked_to_count(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.get(f"{APP_US}/v1/segments/7", json={"segment": {"id": 7}})

    assert "customer_count" not in tool.call("get_segment", {"segment_id": 7})
    assert len(net.calls) == 1


@pytest.mark.parametrize("count", [None, "2", True, [2]])
def test_a_count_that_is_no_number_is_left_out(
    tool: CustomerIoTool, net: responses.RequestsMock, count: Any
) -> None:
    net.get(f"{APP_US}/v1/segments/7", json={"segment": {"id": 7}})
    net.get(f"{APP_US}/v1/segments/7/customer_count", json={"count": count})

    result = tool.call("get_segment", {"segment_id": 7, "include_count": True})

    assert result["ok"] is True
    assert "customer_count" not in result
    Draft202012Validator(tool.definition("get_segment")["output_schema"]).validate(result)


@pytest.mark.parametrize(("status", "code"), [(403, "permission_denied"), (404, "not_found")])
def test_a_second_read_that_fails_fails_the_call(
    tool: CustomerIoTool, net: responses.RequestsMock, status: int, code: str
) -> None:
    net.get(f"{APP_US}/v1/segments/7", json={"segment": {"id": 7}})
    net.get(f"{APP_US}/v1/segments/7/customer_count", status=status)

    result = tool.call("get_segment", {"segment_id": 7, "include_count": True})

    assert result["error"]["code"] == code
    assert result["error"]["took_effect"] == "no"


def chars(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def test_a_long_list_is_cut_to_the_budget_and_says_how_to_go_on(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    segments = [{"id": n, "name": f"{n} " + "x" * 500, "type": "manual"} for n in range(100)]
    net.get(f"{APP_US}/v1/segments", json={"segments": segments})
    seen: list[int] = []
    arguments: dict[str, Any] = {"limit": 100}

    while True:
        result = tool.call("list_segments", arguments)
        assert chars(result["segments"]) <= MAX_RESULT_CHARS
        seen += [segment["id"] for segment in result["segments"]]
        if "next_offset" not in result:
            break
        assert result["truncated"] is True
        assert f"offset={result['next_offset']}" in result["summary"]
        arguments["offset"] = result["next_offset"]

    assert seen == list(range(100))
    assert result["total"] == 100


def test_a_large_object_is_cut_to_the_budget_and_names_what_was_left_out(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    large = {"id": 7, "name": "Beta", "conditions": [{"n": n} for n in range(5000)]}
    net.get(f"{APP_US}/v1/segments/7", json={"segment": large})

    result = tool.call("get_segment", {"segment_id": 7})

    assert result["segment"] == {"id": 7, "name": "Beta"}
    assert (result["truncated"], result["omitted"]) == (True, ["conditions"])


@pytest.mark.parametrize("name", ["get_segment", "get_campaign"])
def test_an_object_of_one_endless_member_keeps_the_budget(
    tool: CustomerIoTool, net: responses.RequestsMock, name: str
) -> None:
    key = name.removeprefix("get_")
    net.get(f"{APP_US}/v1/{key}s/7", json={key: {"all": ["x" * 100] * 1000}})

    result = tool.call(name, {f"{key}_id": 7})

    assert result["truncated"] is True
    assert chars(result[key]) <= MAX_RESULT_CHARS


def test_a_list_of_one_endless_item_keeps_the_budget(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.get(f"{APP_US}/v1/segments", json={"segments": [{"id": 7, "tags": ["x" * 100] * 1000}]})

    result = tool.call("list_segments", {"full": True})

    assert result["truncated"] is True
    assert chars(result["segments"]) <= MAX_RESULT_CHARS


def test_a_long_text_is_cut_and_says_by_how_much(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.get(f"{APP_US}/v1/segments/7", json={"segment": {"description": "x" * 5000}})

    result = tool.call("get_segment", {"segment_id": 7})

    assert result["segment"]["description"].endswith("… (3000 more characters)")
    assert result["truncated"] is True
