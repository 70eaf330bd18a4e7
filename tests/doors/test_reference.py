"""The control routes' document is OpenAPI, names every route, and takes what a sandbox takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from customerio_tool.doors.cli.publish.control import DOCUMENT
from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.api.control import CONTROL
from tests.support.project import ROOT

DOCUMENTED: dict[str, Any] = json.loads((ROOT / DOCUMENT).read_text(encoding="utf-8"))

BODIES = [
    ("/_sandbox/clock", "post", {"advance": 60}, True),
    ("/_sandbox/clock", "post", {"advance": "a while"}, False),
    ("/_sandbox/clock", "post", {"forward": 60}, False),
    ("/_sandbox/reset", "post", {"to": "empty", "snapshots": True}, True),
    ("/_sandbox/reset", "post", {"to": "start"}, False),
    ("/_sandbox/seed", "post", {"people": [{"id": "new", "attributes": {"plan": "pro"}}]}, True),
    ("/_sandbox/seed", "post", {"people": [{"id": "new", "plan": "pro"}]}, False),
    ("/_sandbox/seed", "post", {"persons": []}, False),
    ("/_sandbox/options", "patch", {"rate_limits": "strict"}, True),
    ("/_sandbox/options", "patch", {"rate_limit": "strict"}, False),
    ("/_sandbox/options", "patch", {"track_api_key": "another"}, False),
    ("/_sandbox/faults", "post", {"operation": "identify", "nth": 2, "status": 503}, True),
    ("/_sandbox/faults", "post", {"operation": "identify", "nth": "second"}, False),
    ("/_sandbox/faults", "put", {"faults": [{"action": "no_answer_before_applying"}]}, True),
    ("/_sandbox/faults", "put", {"faults": [{"action": "explode"}]}, False),
]


def test_it_is_openapi_and_names_every_route() -> None:
    validate(DOCUMENTED)
    told = {
        (method.upper(), path, operation["operationId"])
        for path, methods in DOCUMENTED["paths"].items()
        for method, operation in methods.items()
    }
    served = {(r.method, "/" + "/".join(r.segments), r.operation) for r in CONTROL.table}
    assert told == served


@pytest.mark.parametrize(("path", "method", "body", "is_taken"), BODIES)
def test_a_body_is_valid_where_the_sandbox_takes_it(
    path: str, method: str, body: dict[str, Any], is_taken: bool, sandbox: Sandbox
) -> None:
    content = DOCUMENTED["paths"][path][method]["requestBody"]["content"]
    schema = {**content["application/json"]["schema"], "components": DOCUMENTED["components"]}
    assert Draft202012Validator(schema).is_valid(body) is is_taken
    assert (_status(sandbox, path, method, body) < 300) is is_taken


def _status(sandbox: Sandbox, path: str, method: str, body: dict[str, Any]) -> int:
    return requests.request(method, f"{sandbox.track_url}{path}", json=body, timeout=10).status_code
