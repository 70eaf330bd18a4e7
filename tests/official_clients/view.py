"""What a client's calls left behind in the local Customer.io."""

from __future__ import annotations

import inspect
from typing import Any
from urllib.parse import urlsplit

from customerio_tool.sandbox import Sandbox

NOW = 1_795_435_200  # 2026-11-23 12:00 UTC
ULID = "01JD5T3Q6C9W4Y2M8K7H1N0PZX"
LINK = {"identifiers": {"object_type_id": "1", "object_id": "acme"}}
ACME = LINK["identifiers"]


class View:
    """The state of one sandbox, by the identifiers that a test used."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        where = urlsplit(sandbox.track_url)
        self.host, self.port = where.hostname or "", where.port or 0
        assert sandbox.ca_file is not None
        self.ca_file = sandbox.ca_file

    def person(self, identifier: str) -> dict[str, Any] | None:
        """The person with this id or e-mail address."""
        people = self.sandbox.state()["people"]
        found = [one for one in people if identifier in (one["id"], one["email"])]
        return found[0] if found else None

    def known(self, identifier: str) -> dict[str, Any]:
        found = self.person(identifier)
        assert found is not None, f"nobody has the identifier {identifier}"
        return found

    def events(self, identifier: str) -> list[tuple[str, str]]:
        """Name and type of a person's events."""
        return [(event["name"], event["type"]) for event in self.known(identifier)["events"]]

    def tokens(self, identifier: str) -> list[str]:
        """The tokens of a person's devices."""
        return [device["id"] for device in self.known(identifier)["devices"]]

    def delivery(self, delivery_id: str) -> dict[str, Any]:
        deliveries = self.sandbox.state()["deliveries"]
        [found] = [one for one in deliveries if one["id"] == delivery_id]
        return dict(found)

    def members(self, segment_id: int) -> list[str]:
        """The cio_ids in a segment."""
        segments = self.sandbox.state()["segments"]
        [found] = [one for one in segments if one["id"] == segment_id]
        return list(found["members"])

    def last(self) -> dict[str, Any]:
        """The newest request of the log."""
        return self.sandbox.requests()[-1]


def calls_of(client: type, *requests: str) -> list[str]:
    """The public methods of a client whose source calls one of ``requests`` of ``self``."""
    return [
        name
        for name, method in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
        and any(f"self.{request}(" in inspect.getsource(method) for request in requests)
    ]
