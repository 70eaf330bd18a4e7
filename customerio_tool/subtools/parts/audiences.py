"""Types of a broadcast's audience: a filter, and a list of people with data for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema

from customerio_tool.subtools.declare import (
    PEOPLE_FILTER,
    JsonObject,
    Problem,
    as_array,
    as_email,
    as_segment_number,
    as_well_shaped_id,
    canonical,
    first_of_each,
    json_object,
    json_objects,
    kind_of,
    located,
    text_of,
)
from customerio_tool.subtools.declare.json_text import compact

MAX_AUDIENCE = 10_000
"""Entries that `customer_ids`, `emails` or `per_user_data` may have."""

_FILTER_FIX = "send an object with one of and, or, not, segment, attribute"
_ALL_OF_FIX = f"{_FILTER_FIX}; to reach only those who meet all, put each into and"
_ATTRIBUTE_FIX = "send {field, operator: 'eq' or 'exists', value for eq}"
_PERSON_FIX = "send {id or email, data?}"
_VALIDATORS: Mapping[str, Callable[[Any], Any]] = {"id": as_well_shaped_id, "email": as_email}


def audience_filter(node: Any, *where: str | int) -> dict[str, Any]:
    """Return a filter in the form for Customer.io, with attribute values as text.

    Raises:
        Problem: A part of the filter is wrong; the problem has the path of that part.
    """
    node = json_object(node)
    if not isinstance(node, Mapping) or len(node) != 1:
        is_longer = isinstance(node, Mapping) and len(node) > 1
        fix = _ALL_OF_FIX if is_longer and not _is_turned(where) else _FILTER_FIX
        raise Problem("is not a filter", fix, *where)
    ((kind, inner),) = node.items()
    inner = json_object(inner)
    inside = (*where, kind)
    if kind in ("and", "or"):
        return {kind: _filters(inner, *inside)}
    if kind == "not":
        return {kind: audience_filter(inner, *inside)}
    if kind == "segment":
        return {kind: _segment(inner, *inside)}
    if kind == "attribute":
        return {kind: _attribute(inner, *inside)}
    raise Problem("is no part of a filter", _FILTER_FIX, *inside)


def _filters(nodes: Any, *where: str | int) -> list[dict[str, Any]]:
    nodes = as_array(nodes)
    if not isinstance(nodes, list) or not nodes:
        raise Problem("is not a list of filters", "send one or more filters in an array", *where)
    return [audience_filter(node, *where, i) for i, node in enumerate(nodes)]


def _segment(inner: Any, *where: str | int) -> dict[str, int]:
    if not isinstance(inner, dict) or inner.keys() != {"id"}:
        raise Problem("does not say which segment", "send {id: the segment's number}", *where)
    return {"id": located(as_segment_number, inner["id"], *where, "id")}


def _attribute(inner: Any, *where: str | int) -> dict[str, Any]:
    if not isinstance(inner, dict) or inner.keys() - {"field", "operator", "value"}:
        raise Problem("is not an attribute's condition", _ATTRIBUTE_FIX, *where)
    field, operator, value = (inner.get(name) for name in ("field", "operator", "value"))
    if not isinstance(field, str) or not field.strip():
        raise Problem("is missing", "name the attribute", *where, "field")
    if operator == "exists" and value is None:
        return {"field": field, "operator": operator}
    if operator == "exists":
        fix = _UNSAID if _is_turned(where) else "send operator='eq' to compare with it"
        raise Problem("does not go with exists", fix, *where, "value")
    if operator is None:
        raise Problem("is missing", "send operator='eq' with a value", *where, "operator")
    if operator != "eq":
        raise Problem("is neither eq nor exists", _UNSAID, *where, "operator")
    return {"field": field, "operator": operator, "value": text_of(value, *where, "value")}


_UNSAID = "ask the user for another audience if and, or, not, eq and exists cannot say it"
"""What to do with a condition that another one would replace by more people, or by others."""


def _is_turned(where: Sequence[str | int]) -> bool:
    """Whether a condition leaves people out, so that a narrower one there reaches more."""
    return where.count("not") % 2 == 1


def _people(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    people = [_person(item, i) for i, item in enumerate(given)]
    first: dict[tuple[str, str], int] = {}
    for i, person in enumerate(people):
        earlier = first.setdefault(key_of_person(person), i)
        if _data_as_json(person) != _data_as_json(people[earlier]):
            problem = f"is the person of per_user_data[{earlier}] with other data"
            raise Problem(problem, "name each person once", i)
    return people


def _data_as_json(person: Mapping[str, Any]) -> str:
    """Return a person's data as JSON: in Python, 1 equals True; in JSON, they differ."""
    return compact(person.get("data"), sort_keys=True)


def distinct_people(people: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the people of `per_user_data`, each once."""
    return first_of_each(people, key_of_person)


def key_of_person(person: Mapping[str, Any]) -> tuple[str, str]:
    """Return the type and identifier of a person, in one form for all its spellings."""
    kind = "email" if "email" in person else "id"
    return canonical(person[kind], kind)


def _person(item: Mapping[str, Any], *where: str | int) -> dict[str, Any]:
    if item.keys() - {"id", "email", "data"}:
        raise Problem("has other members than id, email and data", _PERSON_FIX, *where)
    named = {kind: item[kind] for kind in ("id", "email") if item.get(kind) is not None}
    if len(named) != 1:
        raise Problem("does not name one person by one identifier", _PERSON_FIX, *where)
    ((kind, value),) = named.items()
    identifier = located(_VALIDATORS[kind], value, *where, kind)
    data = located(json_object, item.get("data"), *where, "data")
    if data is not None and not isinstance(data, dict):
        raise Problem(f"is {kind_of(data)}", "send an object", *where, "data")
    return {kind: identifier, **({"data": data} if data else {})}


_PERSON_SCHEMA = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_AUDIENCE,
    "items": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "email": {"type": "string"},
            "data": {"type": "object"},
        },
    },
}

Filter: TypeAlias = Annotated[JsonObject, AfterValidator(audience_filter), PEOPLE_FILTER]
"""An object with one member: `and`, `or`, `not`, `segment` or `attribute`; filters nest."""

PerUserData: TypeAlias = Annotated[
    list[dict[str, Any]],
    json_objects,
    AfterValidator(_people),
    Field(strict=True, min_length=1, max_length=MAX_AUDIENCE),
    WithJsonSchema(_PERSON_SCHEMA),
]
"""People, each with data for the message: `[{id or email, data?}]`."""
