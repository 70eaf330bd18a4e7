"""A seed is what the APIs then serve, or is refused with the reason and adds nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customerio_tool.sandbox import Clock, Sandbox
from customerio_tool.sandbox.rules.deliveries import TYPES
from tests.sandbox.control import change, refusal
from tests.support.sandbox_api import NOW, Api

DAY = 86400


SEED: dict[str, Any] = {
    "segments": [
        {"name": "VIP", "id": 70, "description": "They pay"},
        {
            "name": "Gold",
            "conditions": {"attribute": {"field": "plan", "operator": "eq", "value": "gold"}},
        },
    ],
    "objects": [{"type": "1", "id": "acme", "attributes": {"name": "Acme"}}],
    "people": [
        {
            "id": "p/1",
            "email": "p1@example.com",
            "attributes": {"plan": "gold", "seats": 3},
            "created_at": NOW - DAY,
            "segments": ["VIP"],
            "devices": [{"token": "t1", "platform": "ios"}],
            "events": [{"name": "order_paid", "data": {"sum": 5}, "timestamp": NOW - 60}],
        },
        {"email": "p2@example.com", "unsubscribed": True, "segments": [70]},
        {"id": "gone", "suppressed": True},
    ],
    "templates": [{"name": "invoice", "id": 9, "content": {"subject": "Invoice", "body": "x"}}],
    "campaigns": [
        {
            "id": 101,
            "name": "Thanks",
            "event_name": "order_paid",
            "actions": [{"id": 1, "subject": "Thank you", "body": "<p>x</p>"}],
            "filter_segment_ids": [70],
        },
        {"id": 102, "name": "Hello VIP", "type": "segment", "trigger_segment_ids": [70]},
    ],
    "broadcasts": [
        {
            "id": 201,
            "name": "News",
            "actions": [{"id": 2, "subject": "News"}],
            "default_recipients": {"segment": {"id": 70}},
        }
    ],
}


@pytest.fixture
def empty(api: Api) -> Api:
    api.sandbox.reset("empty")
    return api


def test_a_seed_is_what_the_apis_then_serve(empty: Api) -> None:
    answer = change(empty, "POST", "seed", SEED)
    counts = {name: len(entries) for name, entries in SEED.items()}
    assert answer == {"seeded": counts}
    assert empty.attributes("p/1")["seats"] == "3"
    person = empty.known("p/1")
    assert (person["created"], person["devices"][0]["id"]) == (NOW - DAY, "t1")
    assert [event["name"] for event in person["events"]] == ["order_paid"]
    assert empty.known("p2@example.com")["unsubscribed"] is True
    assert [each["value"] for each in empty.sandbox.state()["suppressions"]] == ["gone"]
    sizes = [(each["id"], len(each["members"])) for each in empty.sandbox.state()["segments"]]
    assert sizes == [(70, 2), (71, 1)]
    assert [each["id"] for each in empty.get("/v1/campaigns")["campaigns"]] == [101, 102]
    assert [each["id"] for each in empty.get("/v1/broadcasts")["broadcasts"]] == [201]
    [template] = empty.get("/v1/transactional")["messages"]
    assert (template["id"], template["name"]) == (9, "invoice")


@pytest.mark.parametrize("channel", sorted(TYPES))
def test_an_action_may_be_of_each_type_that_messages_have(empty: Api, channel: str) -> None:
    person = {"id": "x", "email": "x@example.com", "attributes": {"phone": "+15550100"}}
    action = {"id": 1, "type": channel}
    campaign = {"id": 1, "name": "a", "event_name": "paid", "actions": [action]}
    empty.sandbox.seed({"people": [person], "campaigns": [campaign]})
    empty.event("x", "paid")
    [message] = empty.get("/v1/messages", type=channel)["messages"]
    assert message["type"] == channel
    if channel in ("twilio", "whatsapp"):
        assert message["recipient"] == "+15550100"


def test_a_seed_sends_nothing_and_what_comes_after_does(empty: Api) -> None:
    empty.sandbox.seed(SEED)
    assert empty.sandbox.state()["deliveries"] == []
    empty.event("p/1", "order_paid")
    answer = empty.app("POST", "/v1/campaigns/201/triggers", {})
    assert answer.status_code == 200
    subjects = [each["subject"] for each in empty.sandbox.state()["deliveries"]]
    assert subjects == ["Thank you", "News"]


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        ([], "seed must be an object"),
        ({"peple": []}, "did you mean people?"),
        ({"people": {}}, "seed.people must be a list"),
        ({"people": [{"idd": "x"}]}, "seed.people[0] has no member 'idd': did you mean id?"),
        ({"people": [{}]}, "seed.people[0]: needs an id, or an email"),
        ({"people": [{"email": "no"}]}, "needs an id, or an email"),
        ({"people": [{"id": "x" * 151}]}, "150 bytes"),
        ({"people": [{"id": "x", "segments": ["no"]}]}, "no segment 'no'"),
        ({"people": [{"id": "x", "devices": [{"token": "t"}]}]}, "platform must be ios"),
        ({"people": [{"id": "x", "events": [{}]}]}, "event name must not be blank"),
        ({"people": [{"id": "x", "attributes": {"a": "b" * 1001}}]}, "1000 bytes"),
        (
            {"people": [{"id": "x", "email": "e@x.io"}, {"id": "y", "email": "e@x.io"}]},
            "seed.people[1]: its email belongs to somebody already",
        ),
        ({"people": [{"id": "x", "suppressed": True}, {"id": "x"}]}, "suppressed"),
        ({"segments": [{}]}, "seed.segments[0] needs name"),
        ({"segments": [{"name": "a", "id": 1}, {"name": "b", "id": 1}]}, "is taken"),
        ({"segments": [{"name": "a", "conditions": {"x": 1}}]}, "unknown filter x"),
        (
            {"segments": [{"name": "a", "id": 1, "conditions": {"segment": {"id": 1}}}]},
            "segment not found",
        ),
        ({"templates": [{"name": "a"}, {"name": "A"}]}, "is taken"),
        ({"templates": [{"name": "a", "channel": "fax"}]}, "channel must be one of email, push"),
        ({"campaigns": [{"name": "a"}]}, "seed.campaigns[0] needs id"),
        ({"campaigns": [{"id": 1, "name": "a", "actions": [{}]}]}, "actions[0] needs id"),
        (
            {"campaigns": [{"id": 1, "name": "a", "actions": [{"id": 1, "type": "sms"}]}]},
            "type must be one of email, webhook, twilio",
        ),
        ({"campaigns": [{"id": 1, "name": "a", "filter_segment_ids": [5]}]}, "segment not found"),
        ({"broadcasts": [{"id": 1, "name": "a"}]}, "needs default_recipients"),
    ],
)
def test_a_seed_that_makes_no_sense_adds_nothing_and_says_why(
    empty: Api, seed: Any, words: str
) -> None:
    before = empty.sandbox.state()
    assert words in refusal(empty, "POST", "seed", seed)
    assert empty.sandbox.state() == before


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
_OTHERS = ["email", "attributes", "devices", "events", "segments", "conditions", "content"]
_LISTS = ["actions", "created_at", "default_recipients", "filter_segment_ids"]
_ENTRIES = st.fixed_dictionaries(
    {"id": st.integers(1, 3) | st.text(max_size=3) | _JSON, "name": st.text(max_size=3) | _JSON},
    optional={
        name: _JSON | st.lists(st.fixed_dictionaries({"id": _JSON, "name": _JSON}), max_size=1)
        for name in [*_OTHERS, *_LISTS]
    },
)
_KINDS = ["segments", "objects", "people", "templates", "campaigns", "broadcasts"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(_KINDS), st.lists(_ENTRIES, max_size=2)))
def test_no_seed_is_worse_than_refused(empty: Api, seed: dict[str, Any]) -> None:
    empty.sandbox.reset("empty")
    try:
        empty.sandbox.seed(seed)
    except ValueError:
        assert empty.sandbox.state()["people"] == []
    empty.sandbox.state()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", {1, 2}])
def test_a_seed_from_python_must_be_what_json_can_hold(empty: Api, value: Any) -> None:
    with pytest.raises(ValueError, match="what JSON can hold"):
        empty.sandbox.seed({"people": [{"id": "x", "attributes": {"a": value}}]})


def test_a_sandbox_may_start_from_a_seed_and_go_back_to_it() -> None:
    with Sandbox(seed=SEED, clock=Clock(frozen_at=NOW)) as sandbox:
        first = sandbox.state()
        assert len(first["people"]) == 2
        Api(sandbox).identify("more")
        sandbox.reset()
        assert sandbox.state() == first
    with pytest.raises(ValueError, match="did you mean people"):
        Sandbox(seed={"peple": []}).start()
