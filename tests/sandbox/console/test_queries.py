"""No page reads more than it shows: each query has an index, and more rows cost no more steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.store.store import Store
from tests.sandbox.console.browser import get, paths
from tests.support.sandbox_api import Api

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


def all_paths(api: Api) -> list[str]:
    last = [
        path for path in paths(api) if not re.search(r"/(people|requests|deliveries)/.*[^1]$", path)
    ]
    person = api.sandbox.application.store.scalar("SELECT cio_id FROM people ORDER BY pk DESC")
    more = [
        "/console/people?q=p",
        "/console/people?q=pro&term=pro&after=60",
        "/console/requests?quiet=1",
    ]
    return [*last, *more, f"/console/people/{person}", f"/console/deliveries?person={person}"]


def test_every_query_of_every_page_has_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, tuple[Any, ...]] = {}
    for name in ("one", "all", "scalar"):
        true = getattr(Store, name)

        def spy(store: Store, sql: str, values: Any = (), true: Any = true) -> Any:
            asked.setdefault(sql, tuple(values))
            return true(store, sql, values)

        monkeypatch.setattr(Store, name, spy)
    with used(SMALL) as api:
        found = all_paths(api)
        asked.clear()
        for path in found:
            assert get(api, path).status_code == 200
        store = api.sandbox.application.store
        assert len(asked) > 25
        for sql, values in dict(asked).items():
            if sql == _ONE_ROW:
                continue
            rows = store.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
            plan = "; ".join(row["detail"] for row in rows)
            assert not re.search(r"SCAN (?!\(subquery|CONSTANT)", plan), (sql, plan)
            assert "TEMP B-TREE FOR ORDER" not in plan, (sql, plan)
            if "(rowid=?)" not in plan:  # which finds one row by its key
                missing = [name for name in equals(sql) if f"{name}=?" not in plan]
                assert missing == [], (sql, plan)


def equals(sql: str) -> list[str]:
    """The columns that a query compares for equality, as the plan calls them."""
    found = re.findall(r"(\w+)(?:=(?:\?|0|'dynamic')| IN \()", sql.partition("WHERE")[2])
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
        for path in all_paths(small):
            if "/people/" in path or "person=" in path:
                continue
            before, after = steps(small, path), steps(large, path)
            assert after <= before + 10, path
        store = large.sandbox.application.store
        person = store.scalar("SELECT cio_id FROM people ORDER BY pk DESC")
        assert steps(large, f"/console/people/{person}") < 60
