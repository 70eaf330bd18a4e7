"""JSON calls: `POST /api/SUBTOOL` with the arguments as its body, for hosts that take OpenAPI.

Every result envelope comes with status 200, also that of a failed call. Hosts take a status of 400
or more for a failure of the server: Dify raises an error with the text of the answer in it, others
hand the model `{"error": "HTTP error 422: ..."}`, and either way the model loses the members that
say what to do next. The envelope says itself whether the call failed. Other statuses are for
requests that made no call: an unknown path, a wrong token, too large a body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from customerio_tool.calls.call import CallContext
from customerio_tool.doors.unasked import unasked
from customerio_tool.errors import ArgumentsInvalid, SubtoolUnknown
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.tool import CustomerIoTool

DOOR = "api"
RUN_HEADER = "X-Run-Id"
"""The header with the agent's run, in the percent-encoding of URLs where it is not ASCII."""

MAX_BODY_BYTES = 3_000_000
BODY_SECONDS = 10.0
"""How long a request may take to send its body."""

_GONE = 499
"""The status of an answer that nobody reads, as nginx logs it."""

T = TypeVar("T")


class Calls:
    """Answers calls with one tool.

    Args:
        tool: The tool, under the policy of this server.
        body_seconds: How long a request may take to send its body.
        decided_at: The address of the page where a person decides about the calls that wait; empty
            if there is none.
    """

    def __init__(
        self, tool: CustomerIoTool, body_seconds: float = BODY_SECONDS, *, decided_at: str = ""
    ) -> None:
        self._tool = tool
        self._decided_at = decided_at
        self._body_seconds = body_seconds

    async def answer(self, request: Request) -> Response:
        """Make the call of a request; if its client leaves, the call is cancelled."""
        try:
            body = await asyncio.wait_for(_body_of(request), self._body_seconds)
        except ClientDisconnect:
            return Response(status_code=_GONE)
        except (TimeoutError, asyncio.TimeoutError):  # two types before Python 3.11
            return _refused(HTTPStatus.REQUEST_TIMEOUT, "The request took too long to arrive.")
        if body is None:
            words = f"The arguments have more than {MAX_BODY_BYTES:,} bytes; send less in one call."
            return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words)
        if body.strip() and not _is_json(request):
            words = "Send the arguments with Content-Type: application/json."
            return _refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, words)
        result = await _unless_client_leaves(request, self._call(request, body))
        return Response(status_code=_GONE) if result is None else _envelope(result)

    async def _call(self, request: Request, body: bytes) -> dict[str, Any]:
        name = request.path_params["subtool"]
        run = unquote(request.headers.get(RUN_HEADER, "")) or None
        context = CallContext(run_id=run, door=DOOR)
        result = await self._tool.acall(name, body or None, context=context)
        return unasked(self._tool, name, result, self._decided_at)


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"


async def _body_of(request: Request) -> bytes | None:
    """Return the body; None if it is too long.

    Raises:
        ClientDisconnect: The client left.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


async def _unless_client_leaves(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """Return the result of some work; None if the client leaves, and the work is cancelled then."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        # Also if the server stops meanwhile: a cancelled call has ended when its task has.
        for task in (working, leaving):
            task.cancel()
        await asyncio.wait({working, leaving})


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _envelope(result: dict[str, Any]) -> Response:
    is_known = result["ok"] or result["error"]["code"] != SubtoolUnknown.code
    return _json(result, HTTPStatus.OK if is_known else HTTPStatus.NOT_FOUND)


def _refused(status: HTTPStatus, words: str) -> Response:
    return _json(ArgumentsInvalid(f"Nothing was sent. {words}").as_result(), status)


def _json(result: dict[str, Any], status: HTTPStatus) -> Response:
    return Response(compact(result, is_ascii=True), status, media_type="application/json")
