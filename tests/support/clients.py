"""What tests of calls share: a connection, requests, arguments, and a pace that holds nobody."""

from __future__ import annotations

from typing import Any

from customerio_tool.backends.pacing.slots import Slot
from customerio_tool.connection import Connection
from customerio_tool.connection.client import Client
from customerio_tool.connection.exchange import Reply, Request
from customerio_tool.deadline import Deadline
from customerio_tool.subtools import all_subtools
from customerio_tool.subtools.declare import Api, Pace

SITE, TRACK, APP = "site-5e1f77a0", "track-0b9c41d2", "app-77d3e8f6"
SAVED = {"site_id": SITE, "track_api_key": TRACK, "app_api_key": APP}
SAVED_US = {**SAVED, "region": "us"}
US, EU = "https://track.customer.io", "https://track-eu.customer.io"
APP_US, APP_EU = "https://api.customer.io", "https://api-eu.customer.io"
WHO = "/api/v1/accounts/region"
PERSON = Request(Api.TRACK, "PUT", "/api/v1/customers/u1", body=b'{"plan":"pro"}')
LOGIN = Request(Api.TRACK, "PUT", "/api/v1/customers/ada%40example.com", body=b"{}")
SEGMENTS = Request(Api.APP, "GET", "/v1/segments")
EMAIL = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}


def connected(**saved: str) -> Connection:
    return Connection.load({**SAVED, **saved})


def soon() -> Deadline:
    return Deadline(30)


def sent(request: Request, **saved: str) -> Reply:
    client = Client(connected(**saved))
    try:
        return client.exchange(request, soon())
    finally:
        client.close()


def example_of(name: str) -> dict[str, Any]:
    """Return the arguments of a subtool's first example."""
    return dict(all_subtools()[name].examples[0].arguments)


def code_of(result: dict[str, Any]) -> str:
    """Return the code of the error that a result tells of, or nothing."""
    return "" if result["ok"] else str(result["error"]["code"])


def ids_of(name: str, result: dict[str, Any]) -> list[Any]:
    """Return the members of a result that are null where the reply could not be read."""
    types = all_subtools()[name].shape.plain_types
    return [result[key] for key, kinds in types.items() if type(None) in kinds and key in result]


class AnyPace:
    """A limiter that has a slot for every request at once."""

    def reserve(self, bucket: str, pace: Pace, max_wait: float) -> Slot | None:
        return Slot(0.0, 0.0)

    def is_valid(self, bucket: str, slot: Slot) -> bool:
        return True

    def shortest_wait(self, bucket: str, pace: Pace) -> float:
        return 0.0

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        return
