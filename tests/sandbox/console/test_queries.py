"""No page reads more than it shows: each query has an index, and more rows cost no more steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from customerio_tool.sandbox import Sandbox
from tests.sandbox.console.browser import get, operation, pages, visit
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

SMALL, LARGE = 150, 1500
_COPY = """INSERT INTO requests
  SELECT NULL, time, api, operation, method, path, query, body, body_bytes, status, user_agent,
  retry_count, ?, reason, fault FROM requests LIMIT 1"""
_ONE_ROW = "SELECT id FROM generation"


def seed(size: int) -> dict[str, Any]:
    mail = {"id": 1, "subject": "News", "body": "<p>News</p>"}
    nobody = {"attribute": {"field": "none", "operator": "exists"}}
    return {
        "segments": [{"id": 1, "name": "hand"}, {"id": 2, "name": "none", "conditions": nobody}],
        "people": [
            {
                "id": f"p{number}",
                "email": f"p{number}@example.com",
                "attributes": {"plan": "pro"},
                "segments": [1],
                "events": [{"name": "seen"}] * (size if number == size - 1 else 1),
            }
            for number in range(size)
        ],
        "campaigns": [{"id": 10, "name": "News", "event_name": "seen", "actions": [mail]}],
        "broadcasts": [{"id": 20, "name": "B", "default_recipients": nobody, "actions": [mail]}],
    }


@contextmanager
def used(size: int) -> Iterator[Api]:
    """A workspace that grows in everything with ``size``."""
    with Sandbox(seed=seed(size)) as sandbox:
        api = Api(sandbox)
        everyone = [f"p{number}@example.com" for number in range(size)]
        assert api.app("POST", "/v1/campaigns/20/triggers", {"emails": everyone}).ok
        with sandbox.application.work() as ws:
            for number in range(size):
                ws.store.execute(_COPY, (number % 2,))
        sandbox.clock.advance(60)  # until everything is delivered
        yield api


def all_paths(api: Api) -> dict[tuple[str, ...], str]:
    """Every page, by its operation and the names of its query: as a list goes on, or is filtered.

    A search, and the kind of segment that is computed, are named here; the rest is found in links.
    """
    one_of_each = pages(api)
    message = one_of_each["GET /console/deliveries/{delivery_id}"]
    found: dict[tuple[str, ...], str] = {(name,): path for name, path in one_of_each.items()}
    found |= {("searched",): "/console/people?q=p", ("computed",): "/console/segments/2"}
    for path in list(found.values()):
        for link in visit(api, path).links:
            url = urljoin(path, link.partition("#")[0])
            names = tuple(name for name, _ in parse_qsl(urlsplit(url).query))
            if names:
                found.setdefault((operation(url), *names), url)
    return {**found, ("html",): f"{message}/html", ("eml",): f"{message}/eml"}


@contextmanager
def traced(api: Api) -> Iterator[set[str]]:
    """The statements that SQLite runs meanwhile, with their values in them."""
    connection = api.sandbox.application.store._connection
    found: set[str] = set()
    connection.set_trace_callback(found.add)
    yield found
    connection.set_trace_callback(None)


def test_every_query_of_every_page_has_an_index() -> None:
    with used(SMALL) as api:
        found = all_paths(api)
        store = api.sandbox.application.store
        with traced(api) as statements:
            for path in found.values():
                assert get(api, path).status_code == 200
            stream = f"{api.sandbox.track_url}/console/requests/stream?after={SMALL}"
            with api.session.get(stream, stream=True, timeout=PATIENCE) as answer:
                assert next(answer.iter_lines(chunk_size=1))
        queries = {each for each in statements if each.startswith("SELECT")} - {_ONE_ROW}
        assert len(queries) > 50
        for sql in queries:
            check(sql, "; ".join(row["detail"] for row in store.all(f"EXPLAIN QUERY PLAN {sql}")))


def check(sql: str, plan: str) -> None:
    """Check that a query finds by an index what it compares, and sorts by it."""
    assert not re.search(r"SCAN (?!\(subquery|CONSTANT)", plan), (sql, plan)
    assert "TEMP B-TREE FOR ORDER" not in plan, (sql, plan)
    if "(rowid=?)" not in plan:  # which finds one row by its key
        missing = [name for name in equals(sql) if f"{name}=?" not in plan]
        assert missing == [], (sql, plan)


def equals(sql: str) -> list[str]:
    """The columns that a query compares for equality, as the plan calls them."""
    plain = re.sub(r"'(?:[^']|'')*'", "''", sql)
    found = re.findall(r"(\w+)(?:=(?:''|\d)| IN \()", plain.partition("WHERE")[2])
    keys = {"pk": "rowid", "n": "rowid"}
    if re.search("FROM (segments|campaigns|templates)", sql):
        keys["id"] = "rowid"
    return [keys.get(name, name) for name in found]


def steps(api: Api, path: str) -> int:
    """The steps of SQLite's machine behind one page, in hundreds."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection = api.sandbox.application.store._connection
    connection.set_progress_handler(count, 100)
    assert get(api, path).status_code == 200
    connection.set_progress_handler(None, 0)
    return taken


def test_ten_times_as_much_costs_no_page_more_steps() -> None:
    with used(SMALL) as small, used(LARGE) as large:
        few, many = all_paths(small), all_paths(large)
        assert few.keys() == many.keys()
        for page, path in few.items():
            before, after = steps(small, path), steps(large, many[page])
            assert after <= before + 10, page
