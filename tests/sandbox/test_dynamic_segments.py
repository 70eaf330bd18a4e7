"""Dynamic segments hold those who fit, whatever call changed who does, as soon as it applies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.sandbox import Clock, Sandbox
from tests.support.sandbox_api import NOW, Api

PRO = {"attribute": {"field": "plan", "operator": "eq", "value": "pro"}}
CONDITIONS: dict[int, dict[str, Any]] = {
    2: PRO,
    3: {"not": {"segment": {"id": 2}}},
    4: {"and": [{"segment": {"id": 1}}, {"not": PRO}]},
    5: {"attribute": {"field": "email", "operator": "exists"}},
    6: {"attribute": {"field": "unsubscribed", "operator": "eq", "value": "true"}},
    7: {"or": [{"segment": {"id": 4}}, {"segment": {"id": 6}}]},
    8: {"not": {"attribute": {"field": "cio_id", "operator": "exists"}}},
}
SEED: dict[str, Any] = {
    "segments": [
        {"id": 1, "name": "hand"},
        *(
            {"id": number, "name": f"s{number}", "conditions": conditions}
            for number, conditions in CONDITIONS.items()
        ),
    ],
    "people": [
        {"id": "ada", "email": "ada@example.com", "attributes": {"plan": "pro"}},
        {"id": "ben", "attributes": {"plan": "free"}, "segments": [1]},
        {"id": "cy", "unsubscribed": True},
        {"email": "dee@example.com"},
    ],
}


@pytest.fixture
def api() -> Iterator[Api]:
    with Sandbox(seed=SEED, clock=Clock(frozen_at=NOW)) as sandbox:
        yield Api(sandbox)


def fits(person: dict[str, Any], value: dict[str, Any]) -> bool:
    """The meaning of conditions, told a second time."""
    ((kind, inner),) = value.items()
    if kind == "not":
        return not fits(person, inner)
    if kind in ("and", "or"):
        return (all if kind == "and" else any)([fits(person, each) for each in inner])
    if kind == "segment" and inner["id"] == 1:
        return 1 in person["manual_segments"]
    if kind == "segment":
        return fits(person, CONDITIONS[inner["id"]])
    known = {**person["attributes"], **{name: person[name] for name in ("id", "email", "cio_id")}}
    known["unsubscribed"] = str(person["unsubscribed"]).lower()
    has = known.get(inner["field"])
    return has is not None and (inner["operator"] == "exists" or has == inner["value"])


def assert_right(api: Api) -> None:
    people = api.sandbox.state()["people"]
    for number, conditions in CONDITIONS.items():
        wanted = [each["cio_id"] for each in people if fits(each, conditions)]
        answer = api.app("GET", f"/v1/segments/{number}/membership").json()
        assert [each["cio_id"] for each in answer["identifiers"]] == wanted, number
        count = api.app("GET", f"/v1/segments/{number}/customer_count").json()["count"]
        assert count == len(wanted), number


def put(name: str, **body: Any) -> Callable[[Api], Any]:
    return lambda api: api.track("PUT", f"/api/v1/customers/{name}", body)


def post(path: str, body: dict[str, Any] | None = None) -> Callable[[Api], Any]:
    return lambda api: api.track("POST", f"/api/v1/{path}", body or {})


def merged(primary: str, secondary: str) -> Callable[[Api], Any]:
    body = {"primary": {"id": primary}, "secondary": {"id": secondary}}
    return post("merge_customers", body)


CHANGES: dict[str, Callable[[Api], Any]] = {
    "a new person": put("eve", plan="pro"),
    "an attribute": put("ben", plan="pro"),
    "an attribute that goes": put("ada", plan=""),
    "an e-mail address": put("ben", email="ben@example.com"),
    "unsubscribed": put("ada", unsubscribed=True),
    "subscribed": put("cy", unsubscribed=False),
    "into a manual segment": post("segments/1/add_customers", {"ids": ["ada", "cy"]}),
    "out of a manual segment": post("segments/1/remove_customers", {"ids": ["ben"]}),
    "a merge": merged("ada", "ben"),
    "a merge the other way": merged("ben", "ada"),
    "a deletion": lambda api: api.track("DELETE", "/api/v1/customers/ben"),
    "a suppression": post("customers/ada/suppress"),
    "a manual segment goes": lambda api: api.app("DELETE", "/v1/segments/1"),
    "an event": post("customers/new/events", {"name": "seen"}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_segment_holds_those_who_fit_after(api: Api, change: Callable[[Api], Any]) -> None:
    assert_right(api)
    assert change(api).ok
    assert_right(api)


def test_all_changes_one_after_another_leave_it_right(api: Api) -> None:
    for change in CHANGES.values():
        change(api)
        assert_right(api)


def test_a_segment_that_is_added_holds_those_who_were_there(api: Api) -> None:
    api.sandbox.seed({"segments": [{"id": 9, "name": "late", "conditions": PRO}]})
    assert api.app("GET", "/v1/segments/9/customer_count").json()["count"] == 1


def test_a_delayed_write_changes_a_segment_when_it_applies(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    assert put("ben", plan="pro")(api).ok
    assert api.app("GET", "/v1/segments/2/customer_count").json()["count"] == 1
    api.sandbox.clock.advance(31)
    assert api.app("GET", "/v1/segments/2/customer_count").json()["count"] == 2
    assert_right(api)


def test_a_snapshot_and_a_reset_bring_the_people_of_a_segment_back(api: Api) -> None:
    api.sandbox.snapshot("before")
    put("ben", plan="pro")(api)
    api.sandbox.restore("before")
    assert_right(api)
    put("ben", plan="pro")(api)
    api.sandbox.reset()
    assert_right(api)
    assert api.app("GET", "/v1/segments/2/customer_count").json()["count"] == 1


def test_sandboxes_on_one_file_keep_its_segments_together(tmp_path: Path) -> None:
    file, clock = tmp_path / "kept.db", Clock(frozen_at=NOW)
    with Sandbox(seed=SEED, db=file, clock=clock) as one, Sandbox(db=file, clock=clock) as other:
        put("ben", plan="pro")(Api(one))
        assert_right(Api(other))
        put("eve", plan="pro")(Api(other))
        assert_right(Api(one))
