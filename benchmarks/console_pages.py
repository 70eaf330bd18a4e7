"""Times the console's pages beside a handler that does nothing, on one kept-alive connection.

Run `python -m benchmarks.console_pages --full` for the full size, which writes
`benchmarks/results/console_pages.md`; without the flag each page is asked for 100 times and the
report is printed. It needs `pip install -e '.[dev]'`. The workspace has 10,000 people, one with
5,000 events, a manual segment of all of them and a broadcast to 2,000. Each server runs in a
process of its own.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from threading import Event
from time import perf_counter

from benchmarks.sandbox_load import Nothing
from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.serving.server import Server

REPORT = Path(__file__).parent / "results" / "console_pages.md"
MODULE = "benchmarks.console_pages"
FULL, SMALL = 400, 100
PEOPLE, EVENTS, REACHED = 10_000, 5_000, 2_000
LIMIT = 5


def seed() -> dict[str, object]:
    """The workspace of the measurement."""
    mail = {"id": 1, "subject": "News", "body": "<p>News</p>"}
    everyone = {"attribute": {"field": "id", "operator": "exists"}}
    plans = ("free", "pro")
    return {
        "segments": [
            {
                "id": 1,
                "name": "Pro",
                "conditions": {"attribute": {"field": "plan", "operator": "eq", "value": "pro"}},
            },
            {"id": 2, "name": "By hand"},
        ],
        "people": [
            {
                "id": f"user-{number:05}",
                "email": f"user{number}@example.com",
                "attributes": {"first_name": f"Name{number % 97}", "plan": plans[number % 2]},
                "segments": [2],
                "events": [{"name": "seen", "data": {"n": n}} for n in range(EVENTS)]
                if number == PEOPLE - 1
                else [],
            }
            for number in range(PEOPLE)
        ],
        "campaigns": [{"id": 12, "name": "Welcome", "event_name": "signed_up", "actions": [mail]}],
        "broadcasts": [
            {"id": 30, "name": "News", "default_recipients": everyone, "actions": [mail]}
        ],
    }


def use(sandbox: Sandbox) -> dict[str, str]:
    """Send what fills the log and the deliveries; returns the pages by name."""
    call(
        sandbox,
        "POST",
        "/v1/campaigns/30/triggers",
        {"emails": [f"user{n}@example.com" for n in range(REACHED)]},
    )
    for number in range(200):
        call(sandbox, "GET", f"/v1/customers/user-{number:05}/attributes")
    store = sandbox.application.store
    person = store.scalar("SELECT cio_id FROM people WHERE id=?", (f"user-{PEOPLE - 1:05}",))
    delivery = store.scalar("SELECT id FROM deliveries ORDER BY pk DESC")
    return {
        "overview": "/",
        "people": "/console/people",
        "people, searched": "/console/people?q=pro",
        f"a person with {EVENTS:,} events": f"/console/people/{person}",
        "segments": "/console/segments",
        "a data-driven segment": "/console/segments/1",
        f"a manual segment of {PEOPLE:,}": "/console/segments/2",
        "campaigns": "/console/campaigns",
        "broadcasts": "/console/broadcasts",
        f"a broadcast to {REACHED:,}": "/console/broadcasts/30",
        "deliveries": "/console/deliveries",
        "a delivery": f"/console/deliveries/{delivery}",
        "requests": "/console/requests",
        "a request": "/console/requests/5",
        "faults": "/console/faults",
        "workspace": "/console/workspace",
        "options": "/console/options",
        "coverage": "/console/coverage",
    }


def call(sandbox: Sandbox, method: str, path: str, body: object = None) -> None:
    """One call of the App API."""
    connection = HTTPConnection(sandbox.app_url.removeprefix("http://"), timeout=60)
    headers = {"Authorization": f"Bearer {sandbox.app_api_key}"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    connection.getresponse().read()
    connection.close()


def serve(kind: str) -> None:
    """Be the process of one server: print its port and its pages, and wait."""
    if kind == "nothing":
        server = Server("127.0.0.1", 0, Nothing(), None)  # type: ignore[arg-type]  # it has what the server uses
        server.start()
        told: dict[str, object] = {"port": server.port, "pages": {}}
    else:
        sandbox = Sandbox(seed=seed()).start()
        told = {"port": int(sandbox.track_url.rpartition(":")[2]), "pages": use(sandbox)}
    print(json.dumps(told), flush=True)  # noqa: T201 - read by the client
    Event().wait()


@contextmanager
def running(kind: str) -> Iterator[tuple[HTTPConnection, dict[str, str]]]:
    """Run a server in its own process, and connect to it."""
    command = [sys.executable, "-m", MODULE, "serve", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            told = json.loads((process.stdout or sys.stdin).readline())
            connection = HTTPConnection("127.0.0.1", told["port"], timeout=60)
            yield connection, told["pages"]
            connection.close()
        finally:
            process.terminate()


def once(connection: HTTPConnection, path: str) -> float:
    """The milliseconds of one request."""
    began = perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return (perf_counter() - began) * 1000


def report(count: int) -> str:
    """Ask for every page so often, in turn with the handler that does nothing."""
    with running("nothing") as (nothing, _), running("console") as (console, pages):
        times: dict[str, list[float]] = {name: [] for name in pages}
        idle: list[float] = []
        for _ in range(count):
            for name, path in pages.items():
                idle.append(once(nothing, "/v1/segments"))
                times[name].append(once(console, path))
    base = median(idle)
    rows = "\n".join(
        f"| {name} | {median(each):.2f} | {median(each) / base:.1f} |"
        for name, each in times.items()
    )
    worst = max(median(each) for each in times.values()) / base
    return TEMPLATE.format(
        flag=" --full" if count == FULL else "",
        count=count,
        cores=os.cpu_count(),
        python=platform.python_version(),
        base=f"{base:.2f}",
        rows=rows,
        worst=f"{worst:.1f}",
        limit=LIMIT,
    )


TEMPLATE = """# The console's pages

Made by `python -m benchmarks.console_pages{flag}`: each page {count} times on one connection, on a
machine of {cores} cores that had other work to do, Python {python}. The workspace has 10,000
people. The handler that does nothing, on the same server, takes {base} ms (median). The slowest
page takes {worst} times as long; the aim is under {limit}.

| Page | Median ms | Times the handler that does nothing |
| --- | --- | --- |
{rows}
"""


def main(arguments: list[str]) -> None:
    """Be a server, or measure."""
    if arguments[:1] == ["serve"]:
        serve(*arguments[1:])
    elif arguments == ["--full"]:
        REPORT.write_text(report(FULL))
    else:
        print(report(SMALL))  # noqa: T201 - the point of it


if __name__ == "__main__":
    main(sys.argv[1:])
