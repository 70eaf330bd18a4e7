"""What a new TLS connection costs, how much memory an open one takes, and when one is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import requests

from benchmarks import clients
from benchmarks.measuring import Figure, compared, counted, each
from benchmarks.running import Run, fresh, resident
from customerio_tool.connection.transport import new_session

KIB = 1024
PERSON = "/api/v1/customers/u1"
IDLE_SECONDS = 60.0


def measure(run: Run) -> Iterator[Figure]:
    """Measure connections; the file of roots is the usual one, as its size decides."""
    yield _new(run)
    for key, whose in {"tls/KiB": "ours", "tls/KiB requests": "requests"}.items():
        count = str(run.size(20, 100))
        server = (run.server.origin("https"), run.server.ca_file)
        yield counted(key, fresh("-m", __name__, whose, count, *server) / KIB)
    event = ("track_event", {"customer_id": "u1", "name": "order_paid"})
    email = {"to": "a@b.co", "customer_id": "u1", "transactional_message_id": "1"}
    yield counted("idle/new", opened_after_idling(run, *event))
    yield counted("idle/new send", opened_after_idling(run, "send_transactional_email", email))


def _new(run: Run) -> Figure:
    """Measure calls whose connection the server closes after each."""
    bare = clients.by_requests(run.server, "closing")
    with clients.ours(run.server, "closing") as tool:
        arguments = {"customer_id": "u1", "attributes": {"plan": "pro"}}
        contenders = {
            "ours": each(lambda: tool.run("identify_customer", arguments)),
            "requests": each(lambda: bare("PUT", PERSON, {"plan": "pro"})),
        }
        times = compared(contenders, rounds=run.size(6, 20), calls=run.size(4, 10))
    return times.ratio("tls/new", "ours", "requests")


def opened_after_idling(run: Run, name: str, arguments: dict[str, Any]) -> int:
    """Return how many connections a call opens when the last was 60 s ago, on a moved clock."""
    now = [0.0]
    session = new_session(monotonic=lambda: now[0])
    with session, clients.ours(run.server, session=session) as tool:
        tool.run("track_event", {"customer_id": "u1", "name": "order_paid"})
        before = run.server.connections()
        now[0] += IDLE_SECONDS
        tool.run(name, arguments)
        return run.server.connections() - before - 1  # the question opens one too


def main(whose: str, count: str, origin: str, ca_file: str) -> None:
    """Print the bytes that each of so many open connections takes; be a process of its own."""
    session = new_session() if whose == "ours" else requests.Session()

    def opened() -> requests.Response:
        return session.get(f"{origin}/v1/segments", stream=True, verify=ca_file, timeout=10)

    held = [opened()]  # what is read once, and not for each connection
    before = resident()
    held += [opened() for _ in range(int(count))]
    print((resident() - before) / int(count))  # noqa: T201 - read by `measure`


if __name__ == "__main__":
    main(*sys.argv[1:])
