"""Types of the arguments of identify_customer: attributes, topics and relationships."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema

from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare import (
    MAX_ID_BYTES,
    EmailAddress,
    Identifier,
    JsonObject,
    Problem,
    as_email,
    as_identifier,
    as_path_text,
    at_most,
    boolean,
    json_object,
    json_objects,
    located,
    only_members,
    size_of,
    unix_seconds,
)
from customerio_tool.subtools.declare.characters import visible
from customerio_tool.subtools.declare.glance import is_sound_address
from customerio_tool.subtools.declare.placeholders import is_placeholder

MAX_ATTRIBUTES = 300
MAX_RELATIONSHIPS = 1000
"""Relationships per call; Customer.io states no limit, and this one is ours."""

MAX_ATTRIBUTE_NAME_BYTES = 150
MAX_ATTRIBUTE_VALUE_BYTES = 1000

ARGUMENT_INSTEAD = {
    "_timestamp": "timestamp",
    "_update": "update_only",
    "cio_subscription_preferences": "topics",
    "cio_relationships": "relationships",
}
"""Attributes that Customer.io reserves, and the argument to use instead."""


def _unsubscribed(value: Any) -> bool:
    """Refuse values that Customer.io would silently read as false, which subscribes the person."""
    choice = {"1": True, "0": False}.get(str(value), boolean(value))
    if not isinstance(choice, bool):
        raise Problem("is not true or false", "send true or false; all else would subscribe them")
    return choice


def _person_id(value: Any) -> Any:
    return at_most(MAX_ID_BYTES, "a person's id")(as_path_text(value))


_VALIDATORS = {
    "created_at": unix_seconds,
    "email": as_email,
    "id": _person_id,
    "anonymous_id": as_identifier,
    "unsubscribed": _unsubscribed,
}
"""Validators of the attributes that need a special form."""

IDENTIFIER_ATTRIBUTES = frozenset({"id", "email", "phone", "anonymous_id"})
"""Attributes that are identifiers, phone in some workspaces; whether an empty value deletes one is
UNVERIFIED."""

_TOPIC = pattern(r"topic_\d{1,9}")
_OBJECT_PAIR = ("object_type_id", "object_id")
_OBJECT_KEY = "cio_object_id"
_RELATIONSHIP_MEMBERS = {*_OBJECT_PAIR, _OBJECT_KEY, "attributes"}


def _attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    if len(given) > MAX_ATTRIBUTES:
        raise Problem(f"has {len(given)} members", f"send at most {MAX_ATTRIBUTES} per call")
    return {name: _attribute(name, value) for name, value in given.items()}


_SOUND_NAME = pattern(r"(?!cio_)[A-Za-z0-9][\w .-]{0,99}", re.ASCII)
_SOUND_CHARS = MAX_ATTRIBUTE_VALUE_BYTES // 4
_NUMBERS = (int, float, bool)


def _is_sound(name: str, value: Any) -> bool:
    """Whether an attribute certainly passes every check, and needs no special form."""
    if name == "email":
        return is_sound_address(value)
    is_short = len(value) <= _SOUND_CHARS if type(value) is str else type(value) in _NUMBERS
    return is_short and name not in _VALIDATORS and _SOUND_NAME.fullmatch(name) is not None


def _attribute(name: str, value: Any) -> Any:
    if _is_sound(name, value):
        return value
    if name.startswith(("_", "cio_")):
        argument = ARGUMENT_INSTEAD.get(name.split(".", maxsplit=1)[0])
        fix = f"use the argument {argument!r}" if argument else "choose a name without that prefix"
        raise Problem("has a name that Customer.io reserves", fix, name)
    if visible(name) != name:
        raise Problem("has an invisible character in its name", "name it as it shows", name)
    if size_of(name) > MAX_ATTRIBUTE_NAME_BYTES:
        limit = f"give it a name of at most {MAX_ATTRIBUTE_NAME_BYTES} bytes"
        raise Problem("has too long a name", limit, name)
    if (size := size_of(value)) > MAX_ATTRIBUTE_VALUE_BYTES:
        limit = f"send a value of at most {MAX_ATTRIBUTE_VALUE_BYTES:,} bytes"
        raise Problem(f"is {size:,} bytes long", limit, name)
    if (
        name in IDENTIFIER_ATTRIBUTES - {"phone"}
        and isinstance(value, str)
        and is_placeholder(value, name)
    ):
        raise Problem("is a placeholder and no identifier", "leave it out", name)
    validator = _VALIDATORS.get(name)
    if validator is None or (value in (None, "") and name != "unsubscribed"):
        return value
    return located(validator, value, name)


def _topics(given: Mapping[str, Any]) -> dict[str, bool]:
    return {name: _topic(name, value) for name, value in given.items()}


def _topic(name: str, value: Any) -> bool:
    choice = boolean(value)
    if not _TOPIC.fullmatch(name):
        raise Problem("holds a name that is no topic", "name topics topic_1, topic_2 and so on")
    if not isinstance(choice, bool):
        raise Problem("is not true or false", "send true or false", name)
    return choice


def _relationships(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not given:
        raise Problem("is empty", "name at least one object, or leave the argument out")
    if len(given) > MAX_RELATIONSHIPS:
        raise Problem(f"has {len(given):,} items", f"send at most {MAX_RELATIONSHIPS:,} per call")
    return [_relationship(index, item) for index, item in enumerate(given)]


def _relationship(index: int, item: Mapping[str, Any]) -> dict[str, Any]:
    only_members(item, _RELATIONSHIP_MEMBERS, _RELATIONSHIP_FIX, index)
    names = _object_names(item, index)
    identifiers = {name: located(as_identifier, item[name], index, name) for name in names}
    attributes = located(json_object, item.get("attributes"), index, "attributes")
    if attributes is not None and not isinstance(attributes, dict):
        raise Problem("is not an object", "send name and value pairs", index, "attributes")
    extra = {"relationship_attributes": attributes} if attributes else {}
    return {"identifiers": identifiers, **extra}


def _object_names(item: Mapping[str, Any], index: int) -> tuple[str, ...]:
    """Return the members by which a relationship names its object, in one of two ways."""
    given = {name for name in (*_OBJECT_PAIR, _OBJECT_KEY) if item.get(name) not in (None, "")}
    if given == {_OBJECT_KEY}:
        return (_OBJECT_KEY,)
    if _OBJECT_KEY in given:
        fix = "give object_type_id and object_id, or cio_object_id alone"
        raise Problem("names its object twice", fix, index)
    if given != {*_OBJECT_PAIR}:
        raise Problem("does not say which object", _RELATIONSHIP_FIX, index)
    return _OBJECT_PAIR


_RELATIONSHIP_FIX = "send {object_type_id, object_id, attributes?} or {cio_object_id, attributes?}"
_RELATIONSHIP_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "object_type_id": {"type": "string"},
            "object_id": {"type": "string"},
            "cio_object_id": {"type": "string"},
            "attributes": {"type": "object"},
        },
    },
}

Attributes: TypeAlias = Annotated[
    JsonObject,
    AfterValidator(_attributes),
    WithJsonSchema({"type": "object", "maxProperties": MAX_ATTRIBUTES}),
]
AttributeEmail: TypeAlias = Annotated[
    EmailAddress, AfterValidator(at_most(MAX_ATTRIBUTE_VALUE_BYTES))
]
AttributeId: TypeAlias = Annotated[Identifier, AfterValidator(at_most(MAX_ATTRIBUTE_VALUE_BYTES))]
Topics: TypeAlias = Annotated[JsonObject, AfterValidator(_topics)]
Relationships: TypeAlias = Annotated[
    list[dict[str, Any]],
    json_objects,
    AfterValidator(_relationships),
    Field(strict=True),
    WithJsonSchema(_RELATIONSHIP_SCHEMA),
]
