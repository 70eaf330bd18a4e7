"""What each request changed can be asked for, without reading the workspace twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE


@pytest.fixture(autouse=True)
def _without_the_demo(api: Api) -> None:
    """No campaign starts."""
    api.sandbox.reset("empty")


def changes(api: Api, *numbers: int) -> dict[str, Any]:
    return api.sandbox.changes(numbers)


def recorded(api: Api) -> int:
    """Record from now on; returns the number of the next request."""
    return api.sandbox.record_changes() + 1


def test_a_change_is_told_with_what_was_before_and_what_is_after(api: Api) -> None:
    api.identify("ada", plan="free", seats=3)
    number = recorded(api)
    api.identify("ada", plan="pro", seats="")
    [change] = changes(api, number)["changes"]
    assert change["table"] == "people"
    assert change["before"]["attributes"] == {"plan": "free", "seats": 3}
    assert change["after"]["attributes"] == {"plan": "pro"}


def test_each_request_is_told_of_its_own_changes_alone(api: Api) -> None:
    number = recorded(api)
    api.identify("ada")
    api.sandbox.seed({"people": [{"id": "of a seed"}]})
    api.event("bob", "signed_up")
    assert [each["after"]["id"] for each in changes(api, number)["changes"]] == ["ada"]
    assert changes(api, number + 1)["counts"] == {"people": 1, "events": 1}


def test_what_stays_as_it_is_is_no_change(api: Api) -> None:
    api.identify("ada", plan="free")
    number = recorded(api)
    api.identify("ada", plan="free")
    assert changes(api, number)["changes"] == []


def test_a_refused_request_changed_nothing(api: Api) -> None:
    number = recorded(api)
    assert api.track("POST", "/api/v1/customers/ada/events", {"name": ""}).status_code == 400
    found = changes(api, number)
    assert (found["changes"], found["counts"]) == ([], {})
    assert found["requests"][0]["applied"] is False


def test_what_belonged_to_somebody_deleted_is_told_with_their_name(api: Api) -> None:
    api.identify("ada")
    api.event("ada", "signed_up")
    number = recorded(api)
    api.accept("DELETE", "/api/v1/customers/ada")
    event = next(each for each in changes(api, number)["changes"] if each["table"] == "events")
    assert (event["after"], event["person"]["id"]) == (None, "ada")


def test_a_quiet_failure_is_told_with_its_subject(api: Api) -> None:
    number = recorded(api)
    api.accept("POST", "/api/v1/customers/nobody/unsuppress")
    [quiet] = changes(api, number)["quiet"]
    assert (quiet["reason"], quiet["subject"]) == ("not suppressed", "nobody")


def test_a_delayed_write_is_told_when_it_is_applied(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    api.sandbox.clock.freeze()
    number = recorded(api)
    api.identify("ada")
    found = changes(api, number)
    assert (found["due"], found["changes"]) == (api.sandbox.clock.now() + 30, [])
    api.sandbox.clock.advance(31)
    found = changes(api, number)
    assert (found["due"], found["counts"]) == (None, {"people": 1})


def test_of_many_changes_the_number_is_told_and_some_are_shown(api: Api) -> None:
    ids = [f"p{number}" for number in range(120)]
    people = [{"id": each} for each in ids]
    api.sandbox.seed({"segments": [{"name": "All", "id": 5}], "people": people})
    number = recorded(api)
    api.accept("POST", "/api/v1/segments/5/add_customers?id_type=id", {"ids": ids})
    found = changes(api, number)
    assert found["counts"] == {"members": 120}
    assert len(found["changes"]) == 50
    assert found["changes"][0]["segment"] == {"id": 5, "name": "All"}


def test_no_change_outlives_the_workspace_in_which_it_was_made(api: Api) -> None:
    api.sandbox.snapshot("before")
    number = recorded(api)
    api.identify("ada")
    api.sandbox.restore("before")
    assert changes(api, number)["changes"] == []
    number = recorded(api)
    api.identify("bob")
    api.sandbox.reset("empty")
    number = recorded(api)
    assert changes(api, number)["changes"] == []


def test_what_is_written_over_was_there_before(api: Api) -> None:
    """A device and a relationship are written whole, whatever they were before."""

    def write(platform: str, role: str) -> None:
        device = {"id": "t1", "platform": platform, "last_used": 1}
        api.accept("PUT", "/api/v1/customers/ada/devices", {"device": device})
        tie = {"identifiers": {"object_type_id": "1", "object_id": "acme"}}
        tie["relationship_attributes"] = {"role": role}
        ties = {"action": "add_relationships", "relationships": [tie]}
        api.identify("ada", cio_relationships=ties)

    write("ios", "owner")
    number = recorded(api)
    write("android", "member")
    [device] = changes(api, number)["changes"]
    assert (device["before"]["platform"], device["after"]["platform"]) == ("ios", "android")
    [tie] = changes(api, number + 1)["changes"]
    assert tie["before"]["attributes"] == {"role": "owner"}


def test_many_threads_may_ask_for_the_record_at_once(api: Api) -> None:
    with ThreadPoolExecutor(8) as threads:
        begun = [threads.submit(api.sandbox.record_changes) for _ in range(8)]
        assert {each.result(PATIENCE) for each in begun} == {0}
