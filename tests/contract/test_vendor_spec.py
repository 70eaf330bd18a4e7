"""Knows that the recorded facts of Track and the vendor's specification agree."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.facts import FieldFacts, Operation, load, minimal, sample, walk
from tests.support.vendor_spec import ALLOWANCES, Allowance, TrackSpecification

FACTS = load()
TRACK = {name: held for name, held in FACTS.served().items() if held.api == "track"}
FIRST_VERSION = {name: held for name, held in TRACK.items() if "/api/v1/" in held.path}
WITH_BODY = {name: held for name, held in FIRST_VERSION.items() if held.body}

each_track = pytest.mark.parametrize("name", TRACK)
each_with_body = pytest.mark.parametrize("name", WITH_BODY)


def wrong(field: FieldFacts) -> Any:
    """A value of another type than this field's."""
    return 7 if field.type == "string" else "surely not"


def without(body: dict[str, Any], dotted: str) -> dict[str, Any]:
    cut = copy.deepcopy(body)
    *way, last = dotted.split(".")
    held = cut
    for key in way:
        held = held[key]
    del held[last]
    return cut


def body_of(name: str) -> dict[str, Any]:
    body = WITH_BODY[name].body
    return minimal(body.fields) if body else {}


def fields_of(name: str) -> dict[str, FieldFacts]:
    body = TRACK[name].body
    return body.fields if body else {}


def concrete(operation: Operation) -> str:
    values = {k: "42" if f.type == "integer" else "a%2Fb" for k, f in operation.path_fields.items()}
    return operation.path.format(**values)


def problems(spec: TrackSpecification, name: str, body: Any) -> list[str]:
    return spec.problems(TRACK[name].method, concrete(TRACK[name]), {}, body)


def from_specification(name: str) -> Iterator[str]:
    """The dotted names of the body's fields that are said to come from the specification."""
    for dotted, field in walk(fields_of(name)):
        if "track-spec" in (field.source or TRACK[name].source):
            yield dotted


@each_track
def test_the_operation_exists(vendor_track: TrackSpecification, name: str) -> None:
    assert vendor_track.operation(TRACK[name].method, TRACK[name].path)


def test_the_hosts_are_the_vendors(vendor_track: TrackSpecification) -> None:
    servers = {server["url"] for server in vendor_track.document["servers"]}
    assert servers == set(FACTS.apis["track"].hosts.values())


@each_track
def test_the_statuses_agree(vendor_track: TrackSpecification, name: str) -> None:
    operation = TRACK[name]
    sources = {status: failure.source for status, failure in operation.errors.items()}
    ours = {
        status for status, tags in sources.items() if "track-spec" in (tags or operation.source)
    }
    ours |= set(operation.reply)
    theirs = vendor_track.operation(operation.method, operation.path)["responses"]
    assert ours == set(map(int, theirs))


@each_track
def test_the_error_envelopes_have_the_vendors_shape(
    vendor_track: TrackSpecification, name: str
) -> None:
    operation = TRACK[name]
    theirs = vendor_track.operation(operation.method, operation.path)["responses"]
    for status in operation.errors.keys() & set(map(int, theirs)):
        declared = vendor_track.error_fields(operation.method, operation.path, status)
        example = FACTS.envelopes[operation.errors[status].envelope].example
        assert not declared or declared == set(dotted_names(example))


def dotted_names(value: Any, within: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for entry in value:
            yield from dotted_names(entry, within)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{within}{key}"
            yield from dotted_names(inner, f"{within}{key}.")


@each_with_body
def test_the_fields_exist(vendor_track: TrackSpecification, name: str) -> None:
    theirs = vendor_track.body_fields(TRACK[name].method, TRACK[name].path)
    assert set(from_specification(name)) <= theirs.keys()


@each_with_body
def test_no_field_is_left_out(vendor_track: TrackSpecification, name: str) -> None:
    theirs = vendor_track.body_fields(TRACK[name].method, TRACK[name].path)
    assert theirs.keys() <= enums_at_the_address_of(name).keys()


@pytest.mark.parametrize("name", [*WITH_BODY, "entity", "batch"])
def test_the_enums_agree(vendor_track: TrackSpecification, name: str) -> None:
    theirs = vendor_track.body_fields(TRACK[name].method, TRACK[name].path)
    for dotted, values in enums_at_the_address_of(name).items():
        assert not values or theirs[dotted] == values, dotted


def enums_at_the_address_of(name: str) -> dict[str, set[str]]:
    """Each field that the facts know at this address, by dotted name, with its enum's values."""
    found: dict[str, set[str]] = {}
    for other in at_the_address_of(name):
        for dotted, field in walk(fields_of(other)):
            found.setdefault(dotted, set()).update(field.enum)
    return found


def at_the_address_of(name: str) -> list[str]:
    """The operations that share a method and a path with this one, itself included."""
    address = (TRACK[name].method, TRACK[name].path)
    return [other for other, held in TRACK.items() if (held.method, held.path) == address]


def required(name: str) -> set[str]:
    return {dotted for dotted, field in walk(fields_of(name)) if field.required}


@each_with_body
def test_a_body_of_the_required_fields_is_accepted(
    vendor_track: TrackSpecification, name: str
) -> None:
    assert problems(vendor_track, name, body_of(name)) == []


@each_with_body
def test_a_body_without_one_of_the_required_fields_is_refused(
    vendor_track: TrackSpecification, name: str
) -> None:
    body = body_of(name)
    # A page view without its type is an ordinary event at the same address.
    for dotted in set.intersection(*(required(other) for other in at_the_address_of(name))):
        assert problems(vendor_track, name, without(body, dotted)), dotted


@each_with_body
def test_each_field_is_accepted_with_its_type_and_refused_with_another(
    vendor_track: TrackSpecification, name: str
) -> None:
    for key, field in fields_of(name).items():
        assert problems(vendor_track, name, {**body_of(name), key: sample(field)}) == [], key
        assert problems(vendor_track, name, {**body_of(name), key: wrong(field)}), key


@pytest.mark.parametrize("name", ["add_to_segment", "remove_from_segment"])
def test_the_number_of_people_in_a_segment_call_agrees(
    vendor_track: TrackSpecification, name: str
) -> None:
    limit = FACTS.limits["segment_ids"]
    refused = {
        n: bool(problems(vendor_track, name, {"ids": [f"u{i}" for i in range(n)]}))
        for n in ((limit.min or 0) - 1, limit.min or 0, limit.max, limit.max + 1)
    }
    assert refused == {0: True, 1: False, 1000: False, 1001: True}


@pytest.mark.parametrize("id_type", ["id", "email", "cio_id"])
def test_the_kinds_of_ids_in_a_segment_call_agree(
    vendor_track: TrackSpecification, id_type: str
) -> None:
    path = "/api/v1/segments/7/add_customers"
    assert vendor_track.problems("POST", path, {"id_type": id_type}, {"ids": ["u1"]}) == []
    assert vendor_track.problems("POST", path, {"id_type": f"{id_type}s"}, {"ids": ["u1"]})


@pytest.mark.parametrize("name", ["entity", "batch"])
def test_the_fields_of_the_second_version_exist(
    vendor_track: TrackSpecification, name: str
) -> None:
    theirs = vendor_track.body_fields("POST", TRACK[name].path)
    assert set(from_specification(name)) <= theirs.keys()


def test_requests_of_the_second_version_are_checked(vendor_track: TrackSpecification) -> None:
    person = {"type": "person", "identifiers": {"id": "u1"}}
    for action in ("delete", "suppress", "unsuppress", "identify"):
        assert problems(vendor_track, "entity", {**person, "action": action}) == []
        assert problems(vendor_track, "batch", {"batch": [{**person, "action": action}]}) == []
    assert problems(vendor_track, "entity", {**person, "action": "greet"})


def device(**more: Any) -> dict[str, Any]:
    return {"id": "t", "platform": "ios", **more}


@pytest.mark.parametrize("allowance", ALLOWANCES, ids=[held.name for held in ALLOWANCES])
def test_each_allowance_is_still_needed_and_enough(
    vendor_track: TrackSpecification, vendor_document: dict[str, Any], allowance: Allowance
) -> None:
    others = tuple(held for held in ALLOWANCES if held is not allowance)
    request = allowance.refused_without
    sent = (request.method, request.path, request.query, request.body)
    assert TrackSpecification(vendor_document, others).problems(*sent)
    assert vendor_track.problems(*sent) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/api/v1/customers/u1/event", {"name": "x"}, "no path of the specification"),
        ("POST", "/customers/u1/events", {"name": "x"}, "no path of the specification"),
        ("POST", "/api/v1/customers//events", {"name": "x"}, "no path of the specification"),
        ("POST", "/api/v1/customers/a/b/events", {"name": "x"}, "no path of the specification"),
        ("GET", "/api/v1/customers/u1/events", None, "does not take GET"),
        ("POST", "/api/v1/customers/u1/events", None, "'name' is a required property"),
        ("POST", "/api/v1/customers/u1/events", {"name": 7}, "not of type 'string'"),
        ("POST", "/api/v1/customers/u1/events", {"name": "x", "id": "order-7"}, "is not a 'ulid'"),
        ("POST", "/api/v1/customers/u1/events", {"name": "x", "timestamp": 1763800000000}, "unix"),
        ("POST", "/api/v1/customers/u1/events", {"name": "x", "time": 1}, "body.time: unknown"),
        ("POST", "/api/v1/events", {"name": "x", "anonymousId": "v1"}, "body.anonymousId: unknown"),
        ("POST", "/api/v1/customers/u1/suppress", {"why": "x"}, "takes none"),
        ("POST", "/api/v1/segments/beta/add_customers", {"ids": ["u1"]}, "path segment_id"),
        ("PUT", "/api/v1/customers/u1", {"plan": None}, "body.plan"),
        ("PUT", "/api/v1/customers/u1/devices", {"device": {"id": "t"}}, "platform"),
        ("PUT", "/api/v1/customers/u1/devices", {"device": device(token="t")}, "token: unknown"),
        (
            "PUT",
            "/api/v1/customers/u1/devices",
            {"device": device(attributes={"_last_status": "sent"})},
            "body.device.attributes._last_status: read-only",
        ),
        (
            "PUT",
            "/api/v1/customers/u1",
            {"cio_relationships": {"relationships": [{"identifier": {"object_id": "acme"}}]}},
            "body.cio_relationships.relationships[0].identifier: unknown",
        ),
        ("POST", "/api/v1/segments/7/add_customers", {"ids": ["u"], "id_type": "id"}, "unknown"),
        ("POST", "/api/v1/merge_customers", {"primary": {"id": "a"}}, "secondary"),
        (
            "POST",
            "/api/v1/merge_customers",
            {"primary": {"id": "a", "email": "a@b.example"}, "secondary": {"id": "b"}},
            "body.primary",
        ),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    vendor_track: TrackSpecification, method: str, path: str, body: Any, expected: str
) -> None:
    assert expected in "\n".join(vendor_track.problems(method, path, {}, body))


def test_a_query_that_the_operation_does_not_know_is_refused(
    vendor_track: TrackSpecification,
) -> None:
    found = vendor_track.problems("DELETE", "/api/v1/customers/u1", {"id_type": "id"})
    assert found == ["query id_type: unknown"]


@pytest.mark.parametrize("body", [None, {}])
def test_a_call_without_content_may_carry_an_empty_object(
    vendor_track: TrackSpecification, body: Any
) -> None:
    assert vendor_track.problems("POST", "/api/v1/customers/a%2Fb/suppress", {}, body) == []


@pytest.fixture(scope="session")
def vendor_document(vendor_track: TrackSpecification) -> dict[str, Any]:
    """The document as the vendor publishes it."""
    return vendor_track.published


def test_reading_a_specification_needs_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        TrackSpecification.read(str(tmp_path / "missing.json"))


def test_a_specification_under_a_base_path_is_matched_below_it(tmp_path: Path) -> None:
    small = {
        "servers": [{"url": "https://track.example/base/"}],
        "paths": {"/things/{id}": {"delete": {"responses": {"200": {}}}}},
    }
    file = tmp_path / "small.json"
    file.write_text(json.dumps(small), encoding="utf-8")
    spec = TrackSpecification(json.loads(file.read_text(encoding="utf-8")), allowances=())
    assert spec.problems("DELETE", "/base/things/7") == ["path id: unknown"]
    assert spec.problems("DELETE", "/things/7") == [
        "no path of the specification matches /things/7"
    ]
    assert spec.operation("DELETE", "/base/things/{thing_id}")
