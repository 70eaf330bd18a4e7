"""What tests of bulk jobs share: inputs, a tool that waits for nothing, and what was applied."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from customerio_tool import Backends, CustomerIoTool
from customerio_tool.backends.telemetry.events import Telemetry
from customerio_tool.bulk import Summary
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace

EVENT = "bulk_row"


def events(count: int, *, bad: Iterable[int] = ()) -> list[dict[str, Any]]:
    """Return rows of events, one a row of its own; the bad ones lack their person."""
    wrong = set(bad)
    return [
        {
            "customer_id": "" if n in wrong else f"p{n % 17}",
            "name": EVENT,
            "data": {"n": n},
        }
        for n in range(1, count + 1)
    ]


def mails(count: int, *, bad: Iterable[int] = ()) -> list[dict[str, Any]]:
    """Return rows of e-mails to different people; the bad ones have no address."""
    wrong = set(bad)
    return [
        {
            "to": "nobody" if n in wrong else f"p{n}@example.com",
            "customer_id": f"p{n}",
            "transactional_message_id": "1",
        }
        for n in range(1, count + 1)
    ]


def written(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows as JSON Lines, and return the file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON Lines; none if there is no file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rows_in(summary: Summary, state: str) -> list[int]:
    """Return the numbers of the rows that a run left out in a state."""
    return [each["row"] for each in lines_of(summary.files.get(state, Path("-")))]


def applied_events(sandbox: Sandbox) -> Counter[int]:
    """Return how often the event of each row was applied."""
    recorded = [event for person in sandbox.state()["people"] for event in person["events"]]
    return Counter(event["data"]["n"] for event in recorded if event["name"] == EVENT)


def applied_mails(sandbox: Sandbox) -> Counter[str]:
    """Return how many e-mails each address was sent."""
    sent = [each for each in sandbox.state()["deliveries"] if each["transactional_message_id"]]
    return Counter(each["recipient"] for each in sent if each["recipient"].startswith("p"))


def quick(sandbox: Sandbox, **more: Any) -> CustomerIoTool:
    """Return a tool on a sandbox whose calls wait for no slot; `more` is for `Backends`."""
    policy = more.pop("policy", None)
    telemetry: list[Telemetry] = []
    backends = Backends(**{"limiter": AnyPace(), "telemetry": telemetry, **more})
    return CustomerIoTool(sandbox.connection(), policy=policy, backends=backends)
