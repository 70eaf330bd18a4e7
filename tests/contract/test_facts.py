"""Knows that the recorded facts are whole and agree with themselves."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from tests.support.facts import Facts, FieldFacts, Operation, load, parse

FACTS = load()
SERVED = FACTS.served()
AGREED: dict[str, dict[str, object]] = yaml.safe_load(
    Path(__file__).with_name("arguments.yaml").read_text(encoding="utf-8")
)
MINIMAL: dict[str, object] = {
    "sources": {},
    "apis": {},
    "envelopes": {},
    "limits": {},
    "rates": {},
    "operations": {},
    "endpoints": {},
    "facts": [],
}

each_operation = pytest.mark.parametrize("operation", SERVED.values(), ids=SERVED.keys())


def slots(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def test_each_subtool_that_was_agreed_stands_under_its_api() -> None:
    recorded = {name: FACTS.operations[name].api for name in AGREED}
    assert recorded == {name: agreed["api"] for name, agreed in AGREED.items()}


def test_no_endpoint_has_the_id_of_a_subtool() -> None:
    assert not FACTS.called().keys() & FACTS.endpoints.keys()
    assert not FACTS.operations.keys() & FACTS.lookups.keys()


def test_only_a_page_view_shares_its_address_with_another_operation() -> None:
    addresses = Counter((held.method, held.path) for held in SERVED.values())
    assert {address for address, count in addresses.items() if count > 1} == {
        ("POST", "/api/v1/customers/{customer_id}/events")
    }


@each_operation
def test_a_path_lies_under_the_prefix_of_its_api(operation: Operation) -> None:
    prefix = FACTS.apis[operation.api].prefix
    second_version = operation.api == "track" and operation.path.startswith("/api/v2/")
    assert operation.path.startswith(f"{prefix}/") or second_version


@each_operation
def test_each_slot_of_a_path_is_a_required_field_and_nothing_else_is(operation: Operation) -> None:
    assert sorted(slots(operation.path)) == sorted(operation.path_fields)
    assert all(field.required for field in operation.path_fields.values())


@each_operation
def test_only_calls_that_write_have_a_body(operation: Operation) -> None:
    assert operation.body is None or operation.method in {"PUT", "POST"}


@each_operation
def test_an_operation_succeeds_and_fails_with_fitting_statuses(operation: Operation) -> None:
    assert operation.reply
    assert all(200 <= status < 300 for status in operation.reply)
    assert 401 in operation.errors
    assert all(400 <= status < 500 for status in operation.errors)


@each_operation
def test_every_name_an_operation_refers_to_is_defined(operation: Operation) -> None:
    assert operation.rate in FACTS.rates
    assert {failure.envelope for failure in operation.errors.values()} <= FACTS.envelopes.keys()
    assert used_limits(operation) <= FACTS.limits.keys()


@each_operation
def test_fields_are_consistent(operation: Operation) -> None:
    for name, field in operation.all_fields():
        assert not inconsistencies(field), name


@each_operation
def test_doubt_about_a_part_is_explained(operation: Operation) -> None:
    fields = [field for _, field in operation.all_fields()]
    assert all(field.note for field in fields if field.verified is False)
    assert all(failure.note for failure in operation.errors.values() if failure.verified is False)


def test_every_source_named_is_defined_and_every_defined_one_is_named() -> None:
    assert named_sources(FACTS) == FACTS.sources.keys()


def test_every_source_is_public() -> None:
    unnamed = {
        tag for tag, source in FACTS.sources.items() if not source.where.startswith("https://")
    }
    assert unnamed == {"field-report"}


def test_every_limit_is_positive_and_its_lower_end_is_the_lower() -> None:
    for limit in FACTS.limits.values():
        assert 1 <= (limit.min or 1) <= limit.max


def test_every_rate_is_positive() -> None:
    assert all(rate.requests > 0 and rate.per_seconds > 0 for rate in FACTS.rates.values())


def test_ids_of_free_standing_facts_are_unique() -> None:
    counts = Counter(fact.id for fact in FACTS.facts)
    assert {fact_id for fact_id, count in counts.items() if count > 1} == set()


def test_a_doubtful_fact_says_which_way_we_lean_and_a_settled_one_does_not() -> None:
    for fact in FACTS.facts:
        assert fact.verified is (fact.leaning is None), fact.id


def test_whether_the_sandbox_does_so_is_told_of_doubtful_facts_only() -> None:
    assert [fact.id for fact in FACTS.facts if fact.verified and fact.holds is not None] == []


def test_no_two_facts_say_the_same() -> None:
    sentences = [fact.sentence for fact in FACTS.facts]
    assert len(set(sentences)) == len(sentences)


def test_every_error_envelope_has_its_own_example() -> None:
    shown = [repr(e.example) for name, e in FACTS.envelopes.items() if name != "undocumented"]
    assert "None" not in shown
    assert len(set(shown)) == len(shown)


def test_numbers_that_the_product_promises() -> None:
    assert FACTS.limits["segment_ids"].max == 1000
    assert FACTS.limits["attribute_value_bytes"].max == 1000
    assert FACTS.limits["attribute_count"].max == 300
    assert FACTS.limits["event_name_bytes"].max == 100


def test_a_fact_is_found_by_its_id() -> None:
    assert not FACTS.fact("null-attribute").verified
    with pytest.raises(KeyError, match="no-such-fact"):
        FACTS.fact("no-such-fact")


def test_a_key_that_stands_twice_is_refused() -> None:
    text = yaml.safe_dump(MINIMAL) + "\nlimits: {}\n"
    with pytest.raises(yaml.YAMLError, match=r"\['limits'\] twice"):
        parse(text)


@pytest.mark.parametrize(
    "fact",
    [
        {"id": "x", "sentence": "It holds.", "verified": True},
        {"id": "x", "sentence": "It holds.", "source": [], "verified": True},
        {"id": "x", "sentence": "It holds.", "source": ["node"]},
        {"id": "x", "sentence": "It holds.", "source": ["node"], "verified": "yes"},
        {"id": "x", "sentence": "no full stop", "source": ["node"], "verified": True},
        {"id": "x", "sentence": "It holds.", "source": ["node"], "verified": True, "maybe": 1},
    ],
    ids=["no source", "empty source", "no flag", "no true or false", "no sentence", "unknown key"],
)
def test_a_fact_without_source_or_flag_is_refused(fact: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        parse(yaml.safe_dump({**MINIMAL, "facts": [fact]}))


def test_the_file_is_the_one_beside_its_loader() -> None:
    assert parse((Path(__file__).parent / "facts.yaml").read_text(encoding="utf-8")) == FACTS


def used_limits(operation: Operation) -> set[str]:
    body = operation.body
    used = {limit for _, field in operation.all_fields() for limit in field.limits}
    used |= set(body.limits) if body else set()
    return used | (set(body.free_keys.limits) if body and body.free_keys else set())


def named_sources(facts: Facts) -> set[str]:
    whole = [*facts.apis.values(), *facts.envelopes.values(), *facts.limits.values()]
    given = [held.source for held in (*whole, *facts.rates.values(), *facts.facts)]
    for operation in facts.served().values():
        given.append(operation.source)
        given += [reply.source or () for reply in operation.reply.values()]
        given += [failure.source or () for failure in operation.errors.values()]
        given += [field.source or () for _, field in operation.all_fields()]
    return {tag for tags in given for tag in tags}


def inconsistencies(field: FieldFacts) -> list[str]:
    has_entries = field.type == "array"
    checks = {
        "enum values repeat": len(set(field.enum)) != len(field.enum),
        "enum of something else than strings": bool(field.enum) and field.type != "string",
        "default outside the enum": bool(field.enum and field.default)
        and field.default not in field.enum,
        "array without items": has_entries is (field.items is None),
        "fields in something flat": bool(field.fields)
        and "object" not in (field.type, field.items),
        "a choice among unknown keys": not set(field.exactly_one_of) <= field.fields.keys(),
        "seconds that are no integer": field.unit == "seconds" and field.type != "integer",
        "a type given twice": field.type in field.also,
    }
    return [sentence for sentence, wrong in checks.items() if wrong]
