"""What no source settles is a switch: here each one's other position."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.test_messages import send
from tests.support.sandbox_api import NOW, Api

MERGE = "/api/v1/merge_customers"


def switched(**options: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("api_with", [options], indirect=True)


def merge(api: Api, primary: str, secondary: str) -> None:
    api.accept("POST", MERGE, {"primary": {"id": primary}, "secondary": {"id": secondary}})


@switched(email_change_by_id=True)
def test_an_email_can_be_changed_by_id(api_with: Api) -> None:
    """A setting of the workspace; an id still needs the cio_ path."""
    api_with.identify("u1", email="other@example.com")
    assert api_with.known("u1")["email"] == "other@example.com"
    api_with.identify("other@example.com", id="other")
    assert api_with.known("u1")


@switched(identify_renames=False)
def test_a_set_identifier_can_be_kept_where_the_body_finds_the_person(api_with: Api) -> None:
    """T's text against its tip (fact identify-renames)."""
    api_with.identify("u1-new", email="ada+test@example.com", plan="pro")
    assert api_with.known("u1")["attributes"]["plan"] == "pro"
    assert api_with.person("u1-new") is None
    api_with.identify("new@example.com", id="u1")
    assert api_with.known("u1")["email"] == "ada+test@example.com"
    api_with.identify("fresh@example.com")
    api_with.identify("fresh", email="fresh@example.com")
    assert api_with.known("fresh")["email"] == "fresh@example.com"
    assert api_with.quiet() == ["identifier already set: change it by cio_id"] * 2


@switched(email_is_identifier=False)
def test_without_email_as_an_identifier_a_lookup_by_it_is_400(api_with: Api) -> None:
    path = "/v1/customers/yu%40example.com/attributes?id_type=email"
    assert api_with.app("GET", path).status_code == 400


@switched(merge_anonymous_events=False)
def test_anonymous_events_can_stay_apart(api_with: Api) -> None:
    """AN: a setting of the workspace."""
    api_with.accept("POST", "/api/v1/events", {"name": "seen", "anonymous_id": "a"})
    api_with.identify("late", anonymous_id="a")
    api_with.accept("POST", "/api/v1/events", {"name": "seen", "anonymous_id": "a"})
    assert api_with.known("late")["events"] == []


@switched(equal_timestamp="keep")
def test_the_first_write_of_a_second_can_win(api_with: Api) -> None:
    """The exact tie rule is UNVERIFIED."""
    api_with.identify("p", plan="first", _timestamp=NOW)
    api_with.identify("p", plan="second", _timestamp=NOW)
    assert api_with.known("p")["attributes"] == {"plan": "first"}


def test_the_last_write_of_a_second_wins_by_default(api: Api) -> None:
    """So a repeat of a call changes nothing."""
    api.identify("p", plan="first", _timestamp=NOW)
    api.identify("p", plan="second", _timestamp=NOW)
    assert api.known("p")["attributes"] == {"plan": "second"}


@switched(nested_attributes="ignore")
def test_nested_attribute_values_can_be_ignored(api_with: Api) -> None:
    api_with.identify("p", tags=["a"], plan="x")
    assert api_with.known("p")["attributes"] == {"plan": "x"}
    assert api_with.quiet() == ["nested value ignored"]


@switched(underscore_attributes="store")
def test_system_names_can_be_stored(api_with: Api) -> None:
    api_with.identify("p", _last_emailed=5)
    assert api_with.known("p")["attributes"] == {"_last_emailed": 5}


@switched(foreign_cio_id="ignore")
def test_a_foreign_cio_id_can_be_dropped_quietly(api_with: Api) -> None:
    """That it is refused is a field report."""
    api_with.identify("cio_aaaa00000001", plan="x")
    assert api_with.quiet() == ["unknown cio_id"]


TIMES: list[Any] = ["soon", "2027-01-15T08:00:00Z", 1.5, True, {}, "", -0.5, 10**20]


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize(
    ("api_with", "status"),
    [({}, 200), ({"invalid_timestamp": "refuse"}, 400)],
    indirect=["api_with"],
)
def test_an_invalid_timestamp_is_now_or_refused(api_with: Api, status: int, time: Any) -> None:
    """Fact invalid-timestamp. The log tells of it."""
    person = {"type": "person", "identifiers": {"id": "u6"}, "timestamp": time}
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/api/v1/customers/u6/events", {"name": "v1", "timestamp": time}),
        ("POST", "/api/v1/events", {"name": "v1", "anonymous_id": "a", "timestamp": time}),
        ("PUT", "/api/v1/customers/u6", {"plan": "free", "_timestamp": time}),
        ("POST", "/api/v2/entity", {**person, "action": "event", "name": "v2"}),
        ("POST", "/api/v2/entity", {**person, "action": "identify", "attributes": {"a": 1}}),
    ]
    told = [api_with.track(how, path, body).status_code for how, path, body in calls]
    assert told == [status] * 5
    events = [each for each in api_with.known("u6")["events"] if each["name"] in ("v1", "v2")]
    assert [each["timestamp"] for each in events] == ([NOW] * 2 if status == 200 else [])
    taken = api_with.quiet().count("invalid timestamp: taken as now")
    assert taken == (5 if status == 200 else 0)


@switched(send_several_identifiers="take")
@pytest.mark.parametrize(
    ("identifiers", "reached"),
    [
        ({"email": "zoë@example.com", "id": "u6"}, ("u6", None)),
        ({"id": "u3", "email": "zoë@example.com"}, ("u3", "zoë@example.com")),
        ({"id": "nobody", "email": "zoë@example.com"}, ("u3", "zoë@example.com")),
        ({"email": "new@example.com", "id": "new"}, ("new", "new@example.com")),
    ],
)
def test_a_send_with_several_identifiers_can_be_taken(
    api_with: Api, identifiers: dict[str, str], reached: tuple[str, str | None]
) -> None:
    """The schema is a choice of one: an id wins, then an e-mail address."""
    assert send(api_with, identifiers=identifiers).status_code == 200
    who = api_with.sandbox.state()["deliveries"][-1]["customer_identifiers"]
    assert (who["id"], who["email"]) == reached


@pytest.mark.parametrize(
    "identifiers",
    [
        {},
        {"id": "u6", "email": "zoë@example.com"},
        {"id": "u6", "cio_id": "d9c106000006"},
        {"a": "b"},
    ],
)
def test_a_send_names_one_identifier_by_default(api: Api, identifiers: dict[str, str]) -> None:
    assert send(api, identifiers=identifiers).status_code == 400


@pytest.mark.parametrize(
    ("api_with", "left"), [({}, 1), ({"device_moves": True}, 0)], indirect=["api_with"]
)
def test_a_token_is_on_both_or_moves_to_the_person_who_has_it_now(api_with: Api, left: int) -> None:
    """Fact device-moves."""
    for person in ("a", "b"):
        body = {"device": {"id": "tok", "platform": "ios"}}
        api_with.accept("PUT", f"/api/v1/customers/{person}/devices", body)
    assert len(api_with.known("a")["devices"]) == left
    assert len(api_with.known("b")["devices"]) == 1


@pytest.mark.parametrize(
    ("api_with", "tokens", "email"),
    [
        ({}, [], "b@example.com"),
        ({"merge_moves_devices": True}, ["tok"], "b@example.com"),
        ({"merge_moves_identifiers": False}, [], None),
    ],
    indirect=["api_with"],
)
def test_a_merge_moves_devices_and_identifiers_as_told(
    api_with: Api, tokens: list[str], email: str | None
) -> None:
    """T names neither."""
    api_with.identify("a")
    api_with.identify("b", email="b@example.com")
    body = {"device": {"id": "tok", "platform": "ios"}}
    api_with.accept("PUT", "/api/v1/customers/b/devices", body)
    merge(api_with, "a", "b")
    primary = api_with.known("a")
    assert ([each["id"] for each in primary["devices"]], primary["email"]) == (tokens, email)


@switched(merge_renames_deliveries=False)
def test_messages_can_keep_the_name_of_somebody_merged(api_with: Api) -> None:
    """The history moves; how the list then shows it is UNVERIFIED."""
    api_with.event("u3", "signed_up")
    before = {each["customer_id"] for each in api_with.get("/v1/messages")["messages"]}
    merge(api_with, "u1", "u3")
    after = api_with.get("/v1/messages", limit=1000)["messages"]
    assert "u3" in before & {each["customer_id"] for each in after}
    assert not any(each["forgotten"] for each in after)


@switched(segment_unusable="not_found")
def test_members_of_a_missing_segment_can_be_404(api_with: Api) -> None:
    for segment in (2, 999):
        path = f"/api/v1/segments/{segment}/add_customers"
        assert api_with.track("POST", path, {"ids": ["u1"]}).status_code == 404


@switched(segment_remove_by="id")
def test_removal_can_be_by_id_only(api_with: Api) -> None:
    path = "/api/v1/segments/1/remove_customers"
    by_mail = api_with.track("POST", f"{path}?id_type=email", {"ids": ["team42@example.com"]})
    assert by_mail.status_code == 400
    api_with.accept("POST", path, {"ids": ["u1"]})
    assert api_with.known("u1")["manual_segments"] == []


def test_removal_is_by_any_identifier_by_default(api: Api) -> None:
    """id_type is declared."""
    path = "/api/v1/segments/1/remove_customers?id_type=email"
    api.accept("POST", path, {"ids": ["TEAM42@example.com"]})
    assert api.known("team/42")["manual_segments"] == []


@switched(delete_dynamic_segment="forbidden", delete_used_segment="unprocessable")
def test_segments_can_be_kept_from_deletion(api_with: Api) -> None:
    assert api_with.app("DELETE", "/v1/segments/2").status_code == 403
    assert api_with.app("DELETE", "/v1/segments/1").status_code == 204


@pytest.mark.parametrize(
    ("api_with", "status"),
    [({}, 200), ({"duplicate_segment_name": "unprocessable"}, 422)],
    indirect=["api_with"],
)
def test_a_second_segment_of_a_name_is_made_or_refused(api_with: Api, status: int) -> None:
    body = {"segment": {"name": "Beta testers"}}
    assert api_with.app("POST", "/v1/segments", body).status_code == status


@switched(unknown_template="not_found")
def test_an_unknown_record_can_be_404(api_with: Api) -> None:
    assert send(api_with, transactional_message_id="none").status_code == 404


@switched(send_requires_identifiers=False)
def test_a_send_without_identifiers_can_be_taken(api_with: Api) -> None:
    """The schema does not require them."""
    assert send(api_with, identifiers=None).status_code == 200
    assert api_with.sandbox.state()["deliveries"][-1]["customer_id"] is None


@pytest.mark.parametrize(
    ("api_with", "status"), [({}, 200), ({"send_requires_from": True}, 400)], indirect=["api_with"]
)
def test_a_send_without_template_and_sender_is_taken_or_refused(api_with: Api, status: int) -> None:
    """The document says both."""
    own = {"subject": "Hi", "body": "b"}
    assert send(api_with, transactional_message_id=None, **own).status_code == status


@switched(send_creates_people=False)
def test_a_send_to_somebody_unknown_can_be_refused(api_with: Api) -> None:
    assert send(api_with, identifiers={"id": "nobody"}).status_code == 400
    assert api_with.person("nobody") is None


@switched(broadcast_not_running="invalid", several_audiences="invalid")
def test_a_draft_and_two_audiences_can_be_400(api_with: Api) -> None:
    path = "/v1/campaigns/{}/triggers"
    assert api_with.app("POST", path.format(31), {}).status_code == 400
    both = {"ids": ["u1"], "emails": ["yu@example.com"]}
    assert api_with.app("POST", path.format(30), both).status_code == 400


@switched(trigger_queue_full="unprocessable", trigger_duration=3600, trigger_queue=1)
def test_a_full_queue_can_be_422(api_with: Api) -> None:
    path, body = "/v1/campaigns/30/triggers", {"ids": ["u1"]}
    assert api_with.app("POST", path, body).status_code == 200
    api_with.sandbox.clock.advance(10)
    assert api_with.app("POST", path, body).status_code == 422


@switched(steps_over_maximum="clamp")
def test_steps_above_the_maximum_can_be_clamped(api_with: Api) -> None:
    series = api_with.get("/v1/campaigns/12/metrics", steps=99)["metric"]["series"]
    assert len(series["sent"]) == 45


@switched(last_page_next=None)
def test_the_last_page_can_leave_next_out(api_with: Api) -> None:
    assert "next" not in api_with.get("/v1/messages", limit=1000)
    assert api_with.get("/v1/messages", limit=1)["next"]


@pytest.mark.parametrize(
    ("api_with", "status"), [({}, 200), ({"number_ids": "refuse"}, 400)], indirect=["api_with"]
)
def test_a_number_as_an_id_is_its_text_or_refused(api_with: Api, status: int) -> None:
    """T has strings; Node and async-customerio take numbers too."""
    api_with.identify("42", email="answer@example.com")
    before = len(api_with.sandbox.state()["people"])
    path = "/api/v1/segments/1/add_customers"
    merged = {"primary": {"id": "u1"}, "secondary": {"id": 42}}
    v2 = {"type": "person", "action": "event", "identifiers": {"id": 42}, "name": "n"}
    responses = [
        api_with.track("POST", path, {"ids": [42]}),
        api_with.track("POST", "/api/v2/entity", v2),
        send(api_with, identifiers={"id": 42}),
        api_with.track("POST", MERGE, merged),
    ]
    assert [each.status_code for each in responses] == [status] * 4
    assert (api_with.person("42") is None) == (status == 200)  # merged into u1
    assert len(api_with.sandbox.state()["people"]) == before - (status == 200)
