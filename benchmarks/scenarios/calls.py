"""Whole calls on a kept connection, ours beside the other clients: CPU time and wall time."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

from benchmarks import clients
from benchmarks.measuring import Contender, Figure, compared, each
from benchmarks.running import Run
from customerio_tool import CustomerIoTool

PERSON, EVENTS = "/api/v1/customers/u1", "/api/v1/customers/u1/events"
ATTRIBUTES = "/v1/customers/u1/attributes?id_type=id"
ADA = {"email": "ada@example.com", "first_name": "Ada", "plan": "pro", "seats": 5}
ORDER = {"order": "A-1001", "total": 19.5, "currency": "EUR"}


def measure(run: Run) -> Iterator[Figure]:
    """Measure each operation beside the clients that have it."""
    loop = asyncio.new_event_loop()
    with closing(loop), clients.ours(run.server) as tool:
        operations = {
            "identify_customer": _identify(run, tool, loop),
            "track_event": _track(run, tool, loop),
            "get_customer_attributes": _read(run, tool),
            "send_transactional_email": _send(run, tool, loop),
        }
        for name, contenders in operations.items():
            yield from _measured(run, name, contenders)


def _measured(run: Run, name: str, contenders: Mapping[str, Contender]) -> Iterator[Figure]:
    times = compared(contenders, rounds=run.size(10, 20), calls=run.size(40, 40))
    for peer in contenders:
        if peer != "ours":
            yield times.ratio(f"{name}/{peer}", "ours", peer)


def _plain(run: Run, method: str, target: str, body: Any = None) -> dict[str, Contender]:
    """Return the contenders that know nothing of Customer.io."""
    made = {
        "requests": clients.by_requests(run.server),
        "urllib3": clients.by_urllib3(run.server),
        "http.client": clients.by_http_client(run.server),
    }
    return {name: each(_bound(call, method, target, body)) for name, call in made.items()}


def _bound(call: Callable[..., Any], method: str, target: str, body: Any) -> Callable[[], Any]:
    return lambda: call(method, target, body)


def _called(tool: CustomerIoTool, name: str, arguments: Mapping[str, Any]) -> Contender:
    """Return the contender that has the tool read the arguments as JSON text, as a model sends."""
    text = json.dumps(arguments)
    return each(lambda: _succeeded(tool.call(name, text)))


def _succeeded(result: dict[str, Any]) -> None:
    if not result["ok"]:
        raise RuntimeError(result["summary"])


def _identify(
    run: Run, tool: CustomerIoTool, loop: asyncio.AbstractEventLoop
) -> dict[str, Contender]:
    sdk, awaitable = clients.track_sdk(run.server), clients.async_track_sdk(run.server)
    arguments = {"customer_id": "u1", "attributes": ADA}
    return {
        "ours": _called(tool, "identify_customer", arguments),
        **_plain(run, "PUT", PERSON, ADA),
        "customerio": each(lambda: sdk.identify("u1", **ADA)),
        "async-customerio": clients.awaited(loop, lambda: awaitable.identify("u1", **ADA)),
    }


def _track(run: Run, tool: CustomerIoTool, loop: asyncio.AbstractEventLoop) -> dict[str, Contender]:
    sdk, awaitable = clients.track_sdk(run.server), clients.async_track_sdk(run.server)
    arguments = {"customer_id": "u1", "name": "order_paid", "data": ORDER}
    return {
        "ours": _called(tool, "track_event", arguments),
        **_plain(run, "POST", EVENTS, {"name": "order_paid", "data": ORDER}),
        "customerio": each(lambda: sdk.track("u1", "order_paid", ORDER)),
        "async-customerio": clients.awaited(
            loop, lambda: awaitable.track("u1", "order_paid", **ORDER)
        ),
    }


def _read(run: Run, tool: CustomerIoTool) -> dict[str, Contender]:
    arguments = {"customer_id": "u1"}
    return {
        "ours": _called(tool, "get_customer_attributes", arguments),
        **_plain(run, "GET", ATTRIBUTES),
    }


def _send(run: Run, tool: CustomerIoTool, loop: asyncio.AbstractEventLoop) -> dict[str, Contender]:
    """Each send is another message: the ledger would send an equal one only once."""
    sdk, awaitable = clients.app_sdk(run.server), clients.async_app_sdk(run.server)
    bare, numbers = clients.by_requests(run.server), itertools.count()

    def arguments() -> dict[str, Any]:
        to = f"u{next(numbers)}@example.com"
        return {
            "to": to,
            "customer_id": to,
            "transactional_message_id": "1",
            "message_data": ORDER,
        }

    def body() -> dict[str, Any]:
        given = arguments()
        return {**given, "identifiers": {"email": given.pop("customer_id")}}

    def by_sdk() -> Any:
        from customerio import SendEmailRequest  # type: ignore[import-untyped]

        return sdk.send_email(SendEmailRequest(**_for_sdk(body())))

    return {
        "ours": each(
            lambda: _succeeded(tool.call("send_transactional_email", json.dumps(arguments())))
        ),
        "requests": each(lambda: bare("POST", "/v1/send/email", _for_sdk(body()))),
        "customerio": each(by_sdk),
        "async-customerio": clients.awaited(loop, lambda: _sent(awaitable, _for_sdk(body()))),
    }


def _for_sdk(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "customer_id"}


async def _sent(client: Any, body: dict[str, Any]) -> Any:
    from async_customerio import SendEmailRequest  # type: ignore[import-untyped]

    return await client.send_email(SendEmailRequest(**body))
