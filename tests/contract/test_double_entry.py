"""Tool and local Customer.io, written apart, each agree with the recorded facts of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest

from customerio_tool.calls.call import Call
from customerio_tool.calls.request import request_for
from customerio_tool.connection.exchange import Request
from customerio_tool.connection.fields import HOSTS
from customerio_tool.sandbox import Options
from customerio_tool.sandbox.serving import pace
from customerio_tool.sandbox.serving.application import TABLES
from customerio_tool.subtools import (
    all_subtools,
    lookups,
    subtools,
)
from customerio_tool.subtools.declare import Api, Pace, Subtool
from customerio_tool.subtools.declare.types import (
    MAX_EVENT_DATA_BYTES,
    MAX_ID_BYTES,
    MAX_NAME_BYTES,
    MAX_SEGMENT_IDS,
)
from customerio_tool.subtools.optional import activities
from customerio_tool.subtools.optional import messages as optional_messages
from customerio_tool.subtools.parts import (
    attributes,
    audiences,
    broadcast,
    email,
    event,
    mail,
    message_looks,
    messages_result,
    metrics,
    sending,
    spans,
)
from tests.support.facts import FieldFacts, Operation, load
from tests.support.further_calls import AT, further_calls, not_given
from tests.support.vendor_spec import TrackSpecification

FACTS = load()
FURTHER: Mapping[str, list[dict[str, Any]]] = {
    "trigger_broadcast": [
        {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": ["u1"]},
        {
            "broadcast_id": 30,
            "audience": "file",
            "data_file_url": "https://files.example.com/a.jsonl",
            "ignore_missing": True,
            "add_duplicates": True,
        },
    ],
    "get_campaign_metrics": [{"campaign_id": 12, "period": "weeks", "steps": 4}],
}
"""Calls which give arguments that no example gives and that go with none: one audience each."""

EQUAL = {
    "person_id_bytes": MAX_ID_BYTES,
    "event_name_bytes": MAX_NAME_BYTES,
    "event_data_bytes": MAX_EVENT_DATA_BYTES,
    "event_trigger_age": event.TRIGGER_SECONDS,
    "segment_ids": MAX_SEGMENT_IDS,
    "attribute_count": attributes.MAX_ATTRIBUTES,
    "attribute_name_bytes": attributes.MAX_ATTRIBUTE_NAME_BYTES,
    "attribute_value_bytes": attributes.MAX_ATTRIBUTE_VALUE_BYTES,
    "broadcast_data_bytes": broadcast.MAX_DATA_BYTES,
    "broadcast_audience": audiences.MAX_AUDIENCE,
    "send_body_bytes": sending.MAX_BODY_BYTES,
    "recipients": email.MAX_RECIPIENTS,
    "send_ahead": sending.MAX_AHEAD_SECONDS,
    "messages_page": message_looks.MAX_MESSAGES,
    "activities_page": activities.MAX_ACTIVITIES,
    "activities_kept": activities.KEPT_DAYS * 86_400,
    "archived_messages": optional_messages.CONTENTS_A_DAY,
    "metrics_hours": spans.MAX_STEPS["hours"],
    "metrics_days": spans.MAX_STEPS["days"],
    "metrics_weeks": spans.MAX_STEPS["weeks"],
    "metrics_months": spans.MAX_STEPS["months"],
}
NARROWER = {
    "send_payload_bytes": sending.MAX_PAYLOAD_BYTES,
    "attachment_bytes": mail.MAX_ATTACHMENT_BYTES,
    "broadcast_payload_bytes": broadcast.MAX_BODY_BYTES,
}
"""Documented in MB: the facts read that as powers of 1024, the tool as powers of 1000."""

PUBLISHED = [
    ("identify_customer", "attributes", "maxProperties", "attribute_count"),
    ("add_to_segment", "customer_ids", "maxItems", "segment_ids"),
    ("remove_from_segment", "customer_ids", "maxItems", "segment_ids"),
    ("trigger_broadcast", "customer_ids", "maxItems", "broadcast_audience"),
    ("trigger_broadcast", "emails", "maxItems", "broadcast_audience"),
    ("trigger_broadcast", "per_user_data", "maxItems", "broadcast_audience"),
    ("list_messages", "limit", "maximum", "messages_page"),
    ("list_customer_activities", "limit", "maximum", "activities_page"),
]
UNRECORDED = {
    ("app", "GET", "/v1/broadcasts/{}/metrics"),
}
"""Reads that the local Customer.io serves beyond what any subtool needs; no facts are recorded."""

JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
}

each_subtool = pytest.mark.parametrize(
    "subtool", all_subtools().values(), ids=all_subtools().keys()
)
TRACK = {name: held for name, held in subtools().items() if held.endpoint.api is Api.TRACK}


def calls(subtool: Subtool[Any]) -> list[dict[str, Any]]:
    return [
        *(dict(example.arguments) for example in subtool.examples),
        *further_calls(subtool),
        *FURTHER.get(subtool.name, []),
    ]


def shape(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def misfits(given: Mapping[str, Any], known: Mapping[str, FieldFacts], where: str) -> Iterator[str]:
    """Say which members of an object the facts do not know, or know of another type."""
    for name, value in given.items():
        fact = known.get(name)
        if fact is None:
            yield f"{where}{name} is not recorded"
        else:
            yield from _misfit(value, fact, f"{where}{name}")


def _misfit(value: Any, fact: FieldFacts, where: str) -> Iterator[str]:
    if not any(_is_of(value, kind) for kind in (fact.type, *fact.also)):
        yield f"{where} is {type(value).__name__}"
    if fact.enum and value not in fact.enum:
        yield f"{where} is none of the recorded values"
    if isinstance(value, dict) and fact.fields and not fact.open:
        yield from misfits(value, fact.fields, f"{where}.")
    for item in value if isinstance(value, list) else ():
        if fact.items and not _is_of(item, fact.items):
            yield f"{where} holds {type(item).__name__}"
        if isinstance(item, dict) and fact.fields:
            yield from misfits(item, fact.fields, f"{where}[].")


def _is_of(value: Any, kind: str) -> bool:
    return isinstance(value, JSON_TYPES[kind]) and (kind == "boolean") is isinstance(value, bool)


def query_misfits(query: Mapping[str, str], known: Mapping[str, FieldFacts]) -> Iterator[str]:
    for name, text in query.items():
        fact = known.get(name)
        if fact is None:
            yield f"{name} is not recorded"
        elif fact.type == "integer" and not text.isdigit():
            yield f"{name} is no integer"
        elif fact.enum and text not in fact.enum:
            yield f"{name} is none of the recorded values"


def operation(subtool: Subtool[Any]) -> Operation:
    """Return what is recorded of a subtool's request."""
    recorded = FACTS.called().get(subtool.name)
    assert recorded is not None, (
        f"record {subtool.name} under `operations` or `lookups` in tests/contract/facts.yaml"
    )
    return recorded


def sent_operation(subtool: Subtool[Any], sent: Request) -> Operation:
    """Return what is recorded of the endpoint that a request goes to."""
    if (sent.method, sent.template) == (subtool.endpoint.method, subtool.endpoint.path):
        return operation(subtool)
    (recorded,) = [
        held
        for held in FACTS.endpoints.values()
        if (held.method, held.path) == (sent.method, sent.template)
    ]
    return recorded


def test_the_tool_has_exactly_the_recorded_operations() -> None:
    told = "record each under `operations` or `lookups` in tests/contract/facts.yaml"
    assert subtools().keys() == FACTS.operations.keys(), told
    assert lookups().keys() == FACTS.lookups.keys(), told


@each_subtool
def test_a_subtool_calls_its_recorded_address_at_its_recorded_rate(subtool: Subtool[Any]) -> None:
    recorded = operation(subtool)
    call = subtool.endpoint
    assert (call.api.value, call.method, shape(call.path)) == (
        recorded.api,
        recorded.method,
        shape(recorded.path),
    )
    assert subtool.pace.name.lower() == recorded.rate
    assert set(call.slots) <= set(subtool.input_schema()["required"] if call.slots else ())


@each_subtool
def test_a_second_read_calls_a_recorded_address(subtool: Subtool[Any]) -> None:
    recorded = {(held.method, shape(held.path)) for held in FACTS.served().values()}
    reads = [read.endpoint for read in (subtool.second_read, subtool.verify) if read is not None]
    reads += subtool.endpoints
    assert {(call.method, shape(call.path)) for call in reads} <= recorded


@each_subtool
def test_the_calls_below_give_every_argument(subtool: Subtool[Any]) -> None:
    missing = not_given(subtool, calls(subtool))
    assert not missing, f"give each in an example of {subtool.name}: no value of its type will do"


@pytest.mark.parametrize("name", FURTHER)
def test_no_call_above_gives_only_what_is_derived(name: str) -> None:
    derived = further_calls(subtools()[name])
    for call in FURTHER[name]:
        assert set(not_given(subtools()[name], derived)) & call.keys(), call


@each_subtool
def test_what_a_subtool_sends_is_recorded(subtool: Subtool[Any]) -> None:
    for call in calls(subtool):
        sent = request_for(Call(subtool, subtool.parse(call), AT))
        recorded = sent_operation(subtool, sent)
        body = {} if sent.body is None else json.loads(sent.body)
        assert list(query_misfits(dict(parse_qsl(sent.query)), recorded.query)) == []
        assert (
            list(misfits(_named(body, recorded), recorded.body.fields if recorded.body else {}, ""))
            == []
        )
        assert (recorded.body.required() if recorded.body else set()) <= body.keys()


@pytest.mark.parametrize("subtool", TRACK.values(), ids=TRACK.keys())
def test_what_a_track_subtool_sends_keeps_to_the_vendors_specification(
    subtool: Subtool[Any], vendor_track: TrackSpecification
) -> None:
    for call in calls(subtool):
        sent = request_for(Call(subtool, subtool.parse(call), AT))
        body = None if sent.body is None else json.loads(sent.body)
        query = dict(parse_qsl(sent.query, keep_blank_values=True))
        assert vendor_track.problems(sent.method, sent.path, query, body) == []


def _named(body: Mapping[str, Any], recorded: Operation) -> dict[str, Any]:
    """Return the members of a body but for those that stand for themselves in an open one."""
    if recorded.body is None or not recorded.body.open:
        return dict(body)
    return {name: value for name, value in body.items() if name in recorded.body.fields}


@each_subtool
def test_choices_are_the_recorded_ones(subtool: Subtool[Any]) -> None:
    recorded: dict[str, set[str]] = {}
    for dotted, fact in operation(subtool).sent_fields():
        if fact.enum:
            recorded.setdefault(dotted.rsplit(".", maxsplit=1)[-1], set()).update(fact.enum)
    offered = {
        name: set(schema["enum"])
        for name, schema in subtool.input_schema()["properties"].items()
        if "enum" in schema and name in recorded
    }
    assert offered == {name: recorded[name] for name in offered}


@pytest.mark.parametrize(("limit", "ours"), EQUAL.items(), ids=EQUAL.keys())
def test_a_limit_is_the_recorded_one(limit: str, ours: int) -> None:
    assert FACTS.limits[limit].max == ours


@pytest.mark.parametrize(("limit", "ours"), NARROWER.items(), ids=NARROWER.keys())
def test_a_limit_in_megabytes_is_read_the_narrower_way(limit: str, ours: int) -> None:
    assert ours % 1_000_000 == 0
    assert ours == (FACTS.limits[limit].max + 1) // 1024**2 * 1_000_000


@pytest.mark.parametrize(("name", "argument", "keyword", "limit"), PUBLISHED)
def test_a_published_bound_is_the_recorded_one(
    name: str, argument: str, keyword: str, limit: str
) -> None:
    published = all_subtools()[name].input_schema()["properties"][argument]
    assert published[keyword] == FACTS.limits[limit].max


@pytest.mark.parametrize("pace", Pace)
def test_a_rate_is_the_recorded_one(pace: Pace) -> None:
    recorded = FACTS.rates[pace.name.lower()]
    assert (pace.permits, pace.period_seconds) == (recorded.requests, recorded.per_seconds)


def test_the_local_customer_io_counts_by_the_recorded_rates() -> None:
    recorded = {name: held.requests / held.per_seconds for name, held in FACTS.rates.items()}
    kept = {**pace.PER_SECOND, "broadcast": 1 / Options().trigger_interval}
    assert kept == recorded


def test_the_hosts_are_the_recorded_ones() -> None:
    assert {api.value: dict(held) for api, held in HOSTS.items()} == {
        name: held.hosts for name, held in FACTS.apis.items()
    }


def test_a_span_of_time_certainly_fits_the_recorded_calendar() -> None:
    shortest_half_year = 181  # days, from the end of August to the end of February
    assert shortest_half_year * 86_400 >= messages_result.WINDOW_SECONDS
    longest_half_year = 184  # days, from July to the end of the year
    assert longest_half_year * 86_400 <= messages_result.LONGEST_WINDOW_SECONDS
    assert FACTS.limits["messages_window"].max == 6
    years = FACTS.limits["metrics_years"].max
    assert (years * 365 + years // 4) * 86_400 >= metrics.MAX_SPAN_SECONDS


def test_the_local_customer_io_serves_every_recorded_address() -> None:
    served = {
        (table.api, route.method, shape("/" + "/".join(route.segments)))
        for table in TABLES
        for route in table.table
        if table.api != "control"
    }
    recorded = {(held.api, held.method, shape(held.path)) for held in FACTS.served().values()}
    assert served - UNRECORDED == recorded
    assert served >= UNRECORDED
