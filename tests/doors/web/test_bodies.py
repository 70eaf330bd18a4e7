"""A request whose body does not come makes no call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from customerio_tool import CustomerIoTool
from customerio_tool.doors.web.calls import Calls
from customerio_tool.sandbox import Sandbox

PART: Message = {"type": "http.request", "body": b'{"customer_id": ', "more_body": True}
GONE: Message = {"type": "http.disconnect"}


def answered(sandbox: Sandbox, *messages: Message) -> tuple[int, bytes]:
    """Return the answer to a request of which these messages come, and then nothing."""
    coming = iter(messages)

    async def receive() -> Message:
        if message := next(coming, None):
            return message
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "headers": [(b"content-type", b"application/json")],
        "path_params": {"subtool": "delete_customer"},
    }
    with CustomerIoTool(sandbox.connection()) as tool:
        answer = asyncio.run(Calls(tool, body_seconds=0.05).answer(Request(scope, receive)))
    return answer.status_code, bytes(answer.body)


@pytest.mark.parametrize(
    ("messages", "status"),
    [((), 408), ((PART,), 408), ((PART, GONE), 499), ((GONE,), 499)],
    ids=["nothing", "a part", "a part and then nobody", "nobody"],
)
def test_a_body_that_does_not_come_whole_makes_no_call(
    sandbox: Sandbox, messages: tuple[Message, ...], status: int
) -> None:
    code, body = answered(sandbox, *messages)
    assert code == status
    assert (b"Nothing was sent" in body) == (status == 408)
    assert sandbox.requests() == []


def test_a_body_that_comes_in_parts_is_one_call(sandbox: Sandbox) -> None:
    rest: Message = {"type": "http.request", "body": b'"u1"}', "more_body": False}
    code, body = answered(sandbox, PART, rest)
    assert (code, b'"ok":true' in body) == (200, True)
    assert not any(each["id"] == "u1" for each in sandbox.state()["people"])
