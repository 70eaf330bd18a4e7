"""How long the local Customer.io takes to read when its workspace is large."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import requests

from benchmarks.measuring import Figure, Spread, counted
from benchmarks.running import Run, folder
from customerio_tool import Sandbox

MILLISECONDS = 1e3
BATCH = 1_000
REPEATS = 9
READS = (
    "/v1/segments",
    "/v1/segments/1/customer_count",
    "/v1/segments/2/customer_count",
    "/v1/segments/3/membership?limit=100",
    "/v1/campaigns",
    "/v1/campaigns/12/metrics?period=days&steps=45",
    "/v1/broadcasts/30/metrics?period=days&steps=45",
    "/v1/messages?limit=100",
    "/v1/messages?limit=100&metric=sent",
    "/v1/messages?limit=100&metric=bounced",
    "/v1/messages?limit=100&campaign_id=12&metric=bounced",
    "/v1/messages?limit=100&type=push",
    "/v1/customers/u77/messages?limit=100",
    "/v1/customers/u77/attributes?id_type=id",
    "/v1/customers?email=u77@example.com",
)


def measure(run: Run) -> Iterator[Figure]:
    """Fill a workspace over the API, and read it in every way."""
    people = run.size(1_000, 100_000)
    with folder() as made, Sandbox(db=made / "workspace.db") as sandbox:
        session = requests.Session()
        _fill(sandbox, session, people)
        app = {"Authorization": f"Bearer {sandbox.app_api_key}"}

        def read(target: str) -> None:
            session.get(sandbox.app_url + target, headers=app).raise_for_status()

        slowest = max(statistics.median(_times(read, target)) for target in READS)
        yield counted("sandbox/slowest", MILLISECONDS * slowest)
        identify = _times(lambda target: _put(sandbox, session, target), "/api/v1/customers/u77")
        yield Figure("sandbox/identify", Spread.of(MILLISECONDS * each for each in identify))


def _times(call: Callable[[str], None], target: str) -> list[float]:
    seconds = []
    for _ in range(REPEATS):
        began = perf_counter()
        call(target)
        seconds.append(perf_counter() - began)
    return seconds


def _put(sandbox: Sandbox, session: requests.Session, target: str) -> None:
    auth = (sandbox.site_id, sandbox.track_api_key)
    session.put(sandbox.track_url + target, auth=auth, json={"seats": 5}).raise_for_status()


def _fill(sandbox: Sandbox, session: requests.Session, people: int) -> None:
    """Add people, an event of each, and the e-mail that a campaign sends for it."""
    auth = (sandbox.site_id, sandbox.track_api_key)
    for first in range(0, people, BATCH):
        numbers = range(first, min(first + BATCH, people))
        for made in (_person, _signed_up):
            body = {"batch": [made(number) for number in numbers]}
            url = f"{sandbox.track_url}/api/v2/batch"
            session.post(url, auth=auth, json=body).raise_for_status()


def _person(number: int) -> dict[str, Any]:
    attributes = {"email": f"u{number}@example.com", "plan": "pro" if number % 3 else "free"}
    return _of(number, "identify", attributes=attributes)


def _signed_up(number: int) -> dict[str, Any]:
    return _of(number, "event", name="signed_up")


def _of(number: int, action: str, **more: Any) -> dict[str, Any]:
    identifiers = {"id": f"u{number}"}
    return {"type": "person", "identifiers": identifiers, "action": action, **more}
