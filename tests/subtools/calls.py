"""One call of a subtool without a network: what it sends, what it tells, what it refuses."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from customerio_tool.calls.call import Call
from customerio_tool.calls.reply import payload_of
from customerio_tool.calls.request import request_for
from customerio_tool.connection.exchange import Reply
from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools.declare import Answer, Invocation, Subtool

AT = Invocation(now=1763900000.0, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
DAY = 86_400


def body_of(subtool: Subtool[Any], **arguments: Any) -> Any:
    """Return the JSON body that a call sends."""
    request = request_for(Call(subtool, subtool.parse(arguments), AT))
    assert request.body is not None
    return json.loads(request.body)


def query_of(subtool: Subtool[Any], **arguments: Any) -> dict[str, str]:
    """Return the query parameters that a call sends."""
    return dict(parse_qsl(request_for(Call(subtool, subtool.parse(arguments), AT)).query))


def result_of(subtool: Subtool[Any], reply: Any, **arguments: Any) -> dict[str, Any]:
    """Return the result that a 200 with this reply becomes; bytes are sent as they are."""
    args = subtool.parse(arguments)
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    payload = payload_of(Call(subtool, args, AT), Reply(200, {}, body))
    return subtool.result(Answer(args, AT, payload))


def refusal_of(subtool: Subtool[Any], **arguments: Any) -> ArgumentsInvalid:
    """Return the error of a call whose arguments are refused before anything is sent."""
    with pytest.raises(ArgumentsInvalid) as caught:
        request_for(Call(subtool, subtool.parse(arguments), AT))
    return caught.value


def refused(subtool: Subtool[Any], **arguments: Any) -> list[str]:
    """Return the paths of the fields that a call is refused for."""
    return [problem.path for problem in refusal_of(subtool, **arguments).fields]


def assert_examples_hold(subtool: Subtool[Any]) -> None:
    """Check that each example sends exactly the request it declares."""
    for example in subtool.examples:
        request = request_for(Call(subtool, subtool.parse(example.arguments), AT))
        body = None if request.body is None else json.loads(request.body)
        sent = (request.method, request.path, request.query, body)
        declared = example.sends
        assert sent == (declared.method, declared.path, declared.query, declared.body)
