"""The sandbox's people against a model of the documented rules, whatever calls come in a row."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import quote

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from customerio_tool.sandbox import Clock, Sandbox
from customerio_tool.sandbox.serving.http import Reply, Request
from tests.sandbox.people_model import DAY, Name, Person, Workspace
from tests.support.sandbox_api import NOW, Api

IDS = st.sampled_from(["a", "B", "b", "team/42"]).map(lambda text: ("id", text))
EMAILS = st.sampled_from(["x@example.com", "X@Example.com", "y+1@example.com"]).map(
    lambda text: ("email", text)
)
NAMES = st.one_of(IDS, EMAILS)
VALUES = st.dictionaries(st.sampled_from(["plan", "city"]), st.sampled_from(["", "1", "2"]))
BODY = st.tuples(st.lists(IDS, max_size=1), st.lists(EMAILS, max_size=1)).map(
    lambda parts: parts[0] + parts[1]
)
TOKENS = st.sampled_from(["tok:1", "tok:2"])
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class People(RuleBasedStateMachine):
    """Calls in any order. After each, the sandbox holds what the model says."""

    sandbox: ClassVar[Sandbox]

    @initialize()
    def start(self) -> None:
        self.sandbox.reset("empty")
        self.model = Workspace()
        self.labels = 0
        api = Api(self.sandbox)
        self.track_key = api.basic()
        self.app_key = {"authorization": f"Bearer {self.sandbox.app_api_key}"}
        self.segments = [self.new_segment(name) for name in ("One", "Two")]

    def new_segment(self, name: str) -> int:
        reply = self.call("POST", "/v1/segments", {"segment": {"name": name}})
        return int(json.loads(reply.body)["segment"]["id"])

    def call(self, method: str, target: str, body: Any = None) -> Reply:
        key = self.track_key if target.startswith("/api/") else self.app_key
        headers = {name.lower(): value for name, value in key.items()}
        content = b"" if body is None else json.dumps(body).encode()
        reply = self.sandbox.application.handle(Request(method, target, headers, content))
        assert reply.status == 200, reply.body
        return reply

    def at(self, name: Name, method: str, tail: str = "", body: Any = None) -> None:
        text = f"cio_{name[1]}" if name[0] == "cio_id" else name[1]
        self.call(method, f"/api/v1/customers/{quote(text, safe='')}{tail}", body)

    def cio_id(self, pick: int) -> Name:
        people = self.model.people
        return ("cio_id", people[pick % len(people)].cio_id if people else "d9c1ffffffff")

    @rule(path=NAMES, body=BODY, values=VALUES, update=st.booleans())
    def identify(self, path: Name, body: list[Name], values: dict[str, str], update: bool) -> None:
        self.model.identify(path, body, values, update=update)
        self.at(path, "PUT", "", {**dict(body), **values, "_update": update})

    @rule(pick=st.integers(0, 9), body=BODY, values=VALUES)
    def identify_by_cio_id(self, pick: int, body: list[Name], values: dict[str, str]) -> None:
        path = self.cio_id(pick)
        self.model.identify(path, body, values, update=False)
        self.at(path, "PUT", "", {**dict(body), **values})

    @rule(name=NAMES)
    def delete(self, name: Name) -> None:
        self.model.delete(name)
        self.at(name, "DELETE")

    @rule(name=NAMES)
    def suppress(self, name: Name) -> None:
        self.model.suppress(name)
        self.at(name, "POST", "/suppress")

    @rule(pick=st.integers(0, 9))
    def suppress_by_cio_id(self, pick: int) -> None:
        name = self.cio_id(pick)
        self.model.suppress(name)
        self.at(name, "POST", "/suppress")

    @precondition(lambda self: self.model.blocked)
    @rule(name=NAMES)
    def unsuppress(self, name: Name) -> None:
        self.model.unsuppress(name)
        self.at(name, "POST", "/unsuppress")

    @rule(name=NAMES, age=st.sampled_from([0, 30, 31]), repeated=st.booleans())
    def track(self, name: Name, age: int, repeated: bool) -> None:
        self.labels += 1
        label = f"event {self.labels}"
        self.model.track(name, label, age)
        ulid = "0" * 24 + CROCKFORD[self.labels // 32 % 32] + CROCKFORD[self.labels % 32]
        event = {"name": label, "id": ulid, "timestamp": NOW - age * DAY}
        for _ in range(1 + repeated):
            self.at(name, "POST", "/events", event)

    @rule(primary=NAMES, secondary=NAMES)
    def merge_by_name(self, primary: Name, secondary: Name) -> None:
        self.merge(primary, secondary)

    def merge(self, primary: Name, secondary: Name) -> None:
        self.model.merge(primary, secondary)
        body = {"primary": dict([primary]), "secondary": dict([secondary])}
        self.call("POST", "/api/v1/merge_customers", body)

    @precondition(lambda self: len(self.model.people) > 1)
    @rule(pick=st.integers(0, 9), other=st.integers(0, 9))
    def merge_by_cio_id(self, pick: int, other: int) -> None:
        self.merge(self.cio_id(pick), self.cio_id(other))

    @rule(name=NAMES, token=TOKENS)
    def add_device(self, name: Name, token: str) -> None:
        self.model.add_device(name, token)
        self.at(name, "PUT", "/devices", {"device": {"id": token, "platform": "ios"}})

    @rule(name=NAMES, token=TOKENS)
    def delete_device(self, name: Name, token: str) -> None:
        self.model.delete_device(name, token)
        self.at(name, "DELETE", f"/devices/{quote(token, safe='')}")

    @rule(names=st.lists(IDS, min_size=1, max_size=3), pick=st.booleans(), add=st.booleans())
    def change_segment_by_id(self, names: list[Name], pick: bool, add: bool) -> None:
        self.change_segment("id", names, pick, add)

    @rule(names=st.lists(EMAILS, min_size=1, max_size=2), pick=st.booleans(), add=st.booleans())
    def change_segment_by_email(self, names: list[Name], pick: bool, add: bool) -> None:
        self.change_segment("email", names, pick, add)

    def change_segment(self, kind: str, names: list[Name], pick: bool, add: bool) -> None:
        segment = self.segments[pick]
        self.model.change_segment(names, segment, add=add)
        verb = "add" if add else "remove"
        path = f"/api/v1/segments/{segment}/{verb}_customers?id_type={kind}"
        self.call("POST", path, {"ids": [text for _, text in names]})

    @invariant()
    def the_same_people_with_all_that_is_theirs(self) -> None:
        state = self.sandbox.state()
        stored = {(each["id"], each["email"]): each for each in state["people"]}
        people = self.model.people
        modelled = {(one.names.get("id"), one.names.get("email")): one for one in people}
        assert stored.keys() == modelled.keys()
        for identity, person in modelled.items():
            _compare(person, stored[identity])
        blocked = {(each["kind"], each["value"]) for each in state["suppressions"]}
        assert blocked == set().union(*self.model.blocked)
        self.app_finds_everybody_by_each_of_their_identifiers()
        self.segments_count_whom_the_model_counts()

    def app_finds_everybody_by_each_of_their_identifiers(self) -> None:
        for person in self.model.people:
            for kind, text in [*person.names.items(), ("cio_id", person.cio_id)]:
                path = f"/v1/customers/{quote(text, safe='')}/attributes?id_type={kind}"
                customer = json.loads(self.call("GET", path).body)["customer"]
                assert customer["identifiers"]["cio_id"] == person.cio_id

    def segments_count_whom_the_model_counts(self) -> None:
        for segment in self.segments:
            reply = self.call("GET", f"/v1/segments/{segment}/customer_count")
            members = [each for each in self.model.people if segment in each.segments]
            assert json.loads(reply.body)["count"] == len(members)


def _compare(person: Person, stored: dict[str, Any]) -> None:
    assert stored["attributes"] == person.values
    assert sorted(event["name"] for event in stored["events"]) == sorted(
        label for label, _ in person.events
    )
    assert set(stored["manual_segments"]) == person.segments
    assert {device["id"] for device in stored["devices"]} == person.devices
    person.cio_id = person.cio_id or stored["cio_id"]
    assert stored["cio_id"] == person.cio_id


def test_people_are_what_the_documented_rules_make_of_the_calls() -> None:
    """Identify, merge, delete, suppress, events, segments."""
    with Sandbox(seed=False, clock=Clock(frozen_at=NOW)) as sandbox:
        People.sandbox = sandbox
        run_state_machine_as_test(
            People,
            settings=settings(
                max_examples=120,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
