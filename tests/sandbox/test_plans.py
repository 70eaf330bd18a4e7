"""Every read of the App API finds what it answers by an index: SQLite's own plans tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.store.schema import LISTED
from tests.sandbox.console.test_queries import traced
from tests.support.sandbox_api import Api

PRO = {"attribute": {"field": "plan", "operator": "eq", "value": "pro"}}
MAIL = {"id": 51, "subject": "Hello", "body": "<p>Hello</p>"}
SEED: dict[str, Any] = {
    "segments": [{"id": 1, "name": "hand"}, {"id": 2, "name": "pro", "conditions": PRO}],
    "people": [
        {
            "id": f"p{number}",
            "email": f"p{number}@example.com",
            "attributes": {"plan": "pro"},
            "segments": [1],
            "devices": [{"token": f"t{number}", "platform": "ios"}],
        }
        for number in range(3)
    ],
    "templates": [{"id": 3, "name": "receipt", "content": {"subject": "s", "body": "b"}}],
    "campaigns": [{"id": 10, "name": "C", "event_name": "seen", "actions": [MAIL]}],
    "broadcasts": [
        {
            "id": 20,
            "name": "B",
            "default_recipients": {"segment": {"id": 1}},
            "actions": [{**MAIL, "id": 61}],
        }
    ],
}
WHOLE = {"SELECT * FROM segments ORDER BY id", "SELECT * FROM templates ORDER BY id"}
"""Lists that answer all rows of a table."""

CHOSEN = {
    "": "deliveries_listed",
    "campaign_id=10": "deliveries_campaign",
    "campaign_id=20": "deliveries_broadcast",
    "action_id=51": "deliveries_message",
    "template_id=3": "deliveries_message",
    "transactional_id=3": "deliveries_message",
    "trigger_id=1": "deliveries_trigger",
}
"""The index that finds the messages of a filter."""

FURTHER = ["", "type=email", "drafts=true", "start_ts=1", *(f"metric={name}" for name in LISTED)]


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with Sandbox(seed=SEED) as sandbox:
        api = Api(sandbox)
        assert api.track("POST", "/api/v1/customers/p0/events", {"name": "seen"}).ok
        assert api.app("POST", "/v1/campaigns/20/triggers", {}).ok
        sandbox.clock.advance(60)
        yield api


def plan(api: Api, sql: str) -> str:
    rows = api.sandbox.application.store.all(f"EXPLAIN QUERY PLAN {sql}")
    return "; ".join(row["detail"] for row in rows)


def queries(api: Api, path: str) -> set[str]:
    """What SQLite reads for an answer, with the values in it."""
    with traced(api) as statements:
        answer = api.app("GET", path)
    assert answer.status_code == 200, (path, answer.text)
    return {each for each in statements if each.startswith("SELECT")} - WHOLE


def test_every_read_of_the_app_api_has_an_index(api: Api) -> None:
    message = api.app("GET", "/v1/messages").json()["messages"][0]["id"]
    values = {
        "customer_id": "p0",
        "segment_id": "2",
        "campaign_id": "10",
        "broadcast_id": "20",
        "trigger_id": "1",
        "message_id": message,
        "transactional_id": "3",
    }
    reads = [
        route
        for route in api.sandbox.application.router.served()
        if route.api == "app" and route.method == "GET"
    ]
    assert len(reads) > 15
    for route in reads:
        path = "/".join(["", *route.segments]).format(**values)
        asked = ["email=p0@example.com"] if path == "/v1/customers" else ["", "limit=1&start=0"]
        if path.endswith("metrics"):
            asked = ["", "type=email&period=months", "version=2&res=days&tz=Asia/Kolkata"]
        if path.endswith(("messages", "activities")):
            asked = [""]
        for each in asked:
            for sql in queries(api, f"{path}?{each}"):
                if path.endswith("activities") and sql.lstrip().startswith("SELECT * FROM ("):
                    assert_of_one_person(api, sql)
                else:
                    assert_found_by_an_index(api, sql)


@pytest.mark.parametrize("number", CHOSEN)
def test_a_list_of_messages_walks_the_index_of_its_filter_in_its_order(
    api: Api, number: str
) -> None:
    start = api.app("GET", "/v1/messages?limit=1").json()["next"]
    for further in [*FURTHER, f"start={start}"]:
        asked = queries(api, f"/v1/messages?{number}&{further}")
        (listed,) = (sql for sql in asked if sql.startswith("SELECT * FROM deliveries WHERE"))
        assert f"INDEX {CHOSEN[number]} (" in plan(api, listed), (further, plan(api, listed))
        for sql in asked:
            assert_found_by_an_index(api, sql)


@pytest.mark.parametrize("number", [1, 2])
def test_the_people_of_a_segment_are_found_by_it_and_not_by_reading_everybody(
    api: Api, number: int
) -> None:
    for asked in ("customer_count", "membership?start=1&limit=2"):
        plans = [plan(api, sql) for sql in queries(api, f"/v1/segments/{number}/{asked}")]
        found = [each for each in plans if re.match(r"SEARCH (m|\w*members) USING", each)]
        assert found, plans
        assert all("(segment=?" in each for each in found), plans


def assert_found_by_an_index(api: Api, sql: str) -> None:
    found = plan(api, sql)
    assert not re.search(r"SCAN (?!\(subquery|CONSTANT)", found), (sql, found)
    assert "TEMP B-TREE FOR" not in found.replace("TEMP B-TREE FOR GROUP BY", ""), (sql, found)


def assert_of_one_person(api: Api, sql: str) -> None:
    """A timeline has three sources: what they hold of one person is sorted, and nothing else."""
    found = plan(api, sql)
    scans = re.findall(r"SCAN (\w+|\(subquery)", found)
    assert {*scans} <= {"(subquery", "json_each"}, found
    for source in ("events_person", "timeline_person", "deliveries_"):
        assert f"INDEX {source}" in found, found
