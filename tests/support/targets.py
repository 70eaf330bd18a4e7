"""What tests of targets share: calls that erase somebody or nobody, and what of them arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from customerio_tool import Connection, CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Api, Effect

ERASING = [name for name, subtool in subtools().items() if subtool.effect is Effect.ERASE]

NOBODY: Mapping[str, Any] = {"integer": 99, "string": "Margaret"}
"""What nothing of the demo workspace is called, by the type of the argument."""

LOOKS = ("get_attributes", "get_segment", "segment_count")
"""The sandbox's names of the reads before."""


def of_nobody(name: str) -> dict[str, Any]:
    """Return a call that names a target which is not there, and perhaps somebody else who is."""
    subtool = subtools()[name]
    required = subtool.input_schema()["required"]
    kind = subtool.input_schema()["properties"][required[-1]]["type"]
    return {**subtool.examples[0].arguments, required[-1]: NOBODY[kind]}


def writes(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the requests of a sandbox that are no reads."""
    return [each for each in sandbox.requests() if each["method"] != "GET"]


def reads(sandbox: Sandbox) -> list[str]:
    """Return the operations of a sandbox's reads."""
    return [each["operation"] for each in sandbox.requests() if each["method"] == "GET"]


def guarded(sandbox: Sandbox, confirm: str = "never", **policy: Any) -> CustomerIoTool:
    """Return a tool on a sandbox, with a policy."""
    return CustomerIoTool(sandbox.connection(), policy={"confirm": confirm, **policy})


def without_app_key(sandbox: Sandbox, confirm: str = "never") -> CustomerIoTool:
    """Return a tool whose connection cannot read."""
    app = ("app_api_key", "app_url")
    saved = {name: value for name, value in sandbox.connection().items() if name not in app}
    connection = Connection.load(saved, apis=[Api.TRACK])
    return CustomerIoTool(connection, policy={"confirm": confirm})


def nowhere(sandbox: Sandbox, **rule: Any) -> None:
    """Let every read of a target fail."""
    sandbox.faults.set([{**rule, "operation": operation} for operation in LOOKS])


def checked(name: str, result: dict[str, Any]) -> dict[str, Any]:
    """Return a result of a subtool whose schema declares all of its members."""
    schema = subtools()[name].output_schema()
    Draft202012Validator(schema).validate(result)
    assert result.keys() - {"confirmation_id", "confirmation_token"} <= schema["properties"].keys()
    return result


ADA = {"id": "u1", "email": "ada+test@example.com", "cio_id": "d9c106000001"}
SEGMENT = {"id": 1, "name": "Beta testers", "type": "manual", "customer_count": 2}
FAILING: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "429": {"status": 429},
    "401": {"status": 401},
    "a page": {"action": "html_page", "status": 200},
    "a 404 as a page": {"action": "html_page", "status": 404},
    "half of its JSON": {
        "action": "malformed_json",
        "status": 200,
        "body": '{"customer": {"a":1}}',
    },
    "another shape": {"status": 200, "body": '{"customer": [], "segment": 7}'},
    "no answer": {"action": "reset_before_applying"},
}
"""Faults of a read that tell nothing of its target."""
