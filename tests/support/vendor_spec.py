"""Knows the vendor's Track specification, and whether one concrete request keeps to it.

The file is the vendor's and no part of this project; the fixture `vendor_track` reads it for tests.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Json = dict[str, Any]

VARIABLE = "CUSTOMERIO_TRACK_OPENAPI"

_HERE = "urn:vendor:track"
_PERSON = "/api/v1/customers/{identifier}"
_SEVERAL = ("oneOf", "anyOf", "allOf")

FORMATS = FormatChecker(formats=["email"])


@FORMATS.checks("ulid")
@FORMATS.checks("ULID")
def _is_ulid(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", value))


@FORMATS.checks("unix timestamp")
def _is_unix_seconds(value: object) -> bool:
    return not isinstance(value, int) or 0 <= value < 10**11


@FORMATS.checks("int32")
def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@dataclass(frozen=True)
class Request:
    """One request as it goes to the wire, its path still encoded."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Allowance:
    """A place where the specification refuses what recorded fact accepts, read differently."""

    name: str
    reason: str
    refused_without: Request
    relax: Callable[[Json], None]


def _path_identifiers_are_strings(document: Json) -> None:
    for name in ("track_customer_id", "trackEvent_customer_id"):
        document["components"]["parameters"][name]["schema"] = {"type": "string", "minLength": 1}


def _attribute_values_are_open(document: Json) -> None:
    body = document["paths"][_PERSON]["put"]["requestBody"]["content"]["application/json"]["schema"]
    body["additionalProperties"]["oneOf"] += [
        {"type": "number", "not": {"type": "integer"}},
        {"type": "object"},
        {"type": "array"},
    ]


def _merge_sides_name_their_identifier(document: Json) -> None:
    operation = document["paths"]["/api/v1/merge_customers"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    for side in ("primary", "secondary"):
        for alternative in body["properties"][side]["oneOf"]:
            alternative["required"] = list(alternative["properties"])


def _anonymous_events_overlap(document: Json) -> None:
    schema = document["components"]["schemas"]["anonymousEventsRequest"]
    schema["anyOf"] = schema.pop("oneOf")


def _screens_of_a_known_person(document: Json) -> None:
    for alternative in document["components"]["schemas"]["eventsRequest"]["oneOf"]:
        if "anonymous_id" in alternative["required"]:
            alternative["required"].remove("anonymous_id")
            del alternative["properties"]["anonymous_id"]


ALLOWANCES = (
    Allowance(
        "path_identifiers",
        "The three alternatives for the identifier in the path are all plain strings, so that each "
        "value matches more than one and none is valid.",
        Request("DELETE", "/api/v1/customers/u1", {}, None),
        _path_identifiers_are_strings,
    ),
    Allowance(
        "attribute_values",
        "Attributes of a person are typed as string, integer or boolean in v1 and left open in v2 "
        "of the same document; fractions and nested values are not known to be refused.",
        Request("PUT", "/api/v1/customers/u1", {}, {"score": 0.5, "address": {"city": "Ulm"}}),
        _attribute_values_are_open,
    ),
    Allowance(
        "merge_sides",
        "The alternatives for a side of a merge do not require the identifier they describe, so "
        "that each side matches all three.",
        Request(
            "POST",
            "/api/v1/merge_customers",
            {},
            {"primary": {"id": "u1"}, "secondary": {"email": "ada@example.com"}},
        ),
        _merge_sides_name_their_identifier,
    ),
    Allowance(
        "anonymous_events",
        "The first alternative for an anonymous event allows the types of the other two, so that a "
        "page matches more than one.",
        Request("POST", "/api/v1/events", {}, {"name": "/pricing", "type": "page"}),
        _anonymous_events_overlap,
    ),
    Allowance(
        "screen_events",
        "A known person's screen event is asked for an anonymous_id, which is of no use there.",
        Request("POST", "/api/v1/customers/u1/events", {}, {"name": "home", "type": "screen"}),
        _screens_of_a_known_person,
    ),
)


class TrackSpecification:
    """The vendor's Track specification, read with `allowances`.

    Beyond the document: a request without a body counts as `{}`, since no operation marks its body
    as required though several have required fields; `{}` is accepted where no body is described,
    since the official clients differ; and a member of an object whose members are named is refused
    where none has its name, unless others are said to be allowed.
    """

    def __init__(self, document: Json, allowances: tuple[Allowance, ...] = ALLOWANCES) -> None:
        self.published = document
        self.document = copy.deepcopy(document)
        for allowance in allowances:
            allowance.relax(self.document)
        resource = DRAFT202012.create_resource(self.document)
        self._registry: Registry[Any] = Registry().with_resource(_HERE, resource)

    @classmethod
    def read(cls, file: str) -> TrackSpecification:
        """The specification in this file.

        Raises:
            OSError: there is no such file.
            json.JSONDecodeError: it is not JSON.
        """
        return cls(json.loads(Path(file).read_text(encoding="utf-8")))

    def problems(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> list[str]:
        """What is wrong with one request, in sentences; empty where the specification accepts it.

        Args:
            method: The HTTP method, in capitals.
            path: The path as on the wire: encoded, with the base path, without a query.
            query: The query's names and values, decoded.
            body: The parsed JSON body, or None where there is none.
        """
        template = self._template(path)
        if template is None:
            return [f"no path of the specification matches {path}"]
        if method.lower() not in self.document["paths"][template]:
            return [f"{template} does not take {method}"]
        own = _segments(path)[self._base().count("/") :]
        slots = dict(zip(_segments(template), map(unquote, own), strict=True))
        values = {"path": {k[1:-1]: v for k, v in slots.items() if k.startswith("{")}}
        values["query"] = dict(query or {})
        return [
            *self._parameter_problems(template, method, values),
            *self._body_problems(template, method, body),
        ]

    def operation(self, method: str, template: str) -> Json:
        """The operation of this method at this template, whatever its slots are called.

        Raises:
            KeyError: there is none.
        """
        by_shape = {
            _shape(self._base() + path): item for path, item in self.document["paths"].items()
        }
        return _as_json(by_shape[_shape(template)][method.lower()])

    def body_fields(self, method: str, template: str) -> dict[str, set[str]]:
        """Each field that the operation's body may have, by dotted name, with its enum's values."""
        return self._fields_of(self.operation(method, template).get("requestBody", {}))

    def error_fields(self, method: str, template: str, status: int) -> set[str]:
        """The dotted names of all fields of the reply of this status; none where undescribed."""
        reply = self._resolved(self.operation(method, template)["responses"][str(status)])
        return set(self._fields_of(reply))

    def _fields_of(self, message: Json) -> dict[str, set[str]]:
        fields: dict[str, set[str]] = {}
        schema = message.get("content", {}).get("application/json", {}).get("schema", {})
        for name, enum in self._fields(schema):
            fields.setdefault(name, set()).update(enum)
        return fields

    def _base(self) -> str:
        return urlsplit(str(self.document["servers"][0]["url"])).path.rstrip("/")

    def _template(self, path: str) -> str | None:
        given = _segments(path)
        base = self._base()
        fitting = [t for t in self.document["paths"] if _fits(_segments(base + t), given)]
        return min(fitting, key=lambda template: template.count("{"), default=None)

    def _resolved(self, node: Json) -> Json:
        while "$ref" in node:
            keys = node["$ref"].removeprefix("#/").split("/")
            node = reduce(lambda held, key: held[_unescaped(key)], keys, self.document)
        return node

    def _fields(self, schema: Json, within: str = "") -> Iterator[tuple[str, list[str]]]:
        schema = self._resolved(schema)
        for name, inner in schema.get("properties", {}).items():
            yield f"{within}{name}", self._resolved(inner).get("enum", [])
            yield from self._fields(inner, f"{within}{name}.")
        for alternative in (branch for word in _SEVERAL for branch in schema.get(word, ())):
            yield from self._fields(alternative, within)
        if "items" in schema:
            yield from self._fields(schema["items"], within)

    def _parameters(self, template: str, method: str) -> Iterator[Json]:
        item = self.document["paths"][template]
        for declared in (*item.get("parameters", ()), *item[method.lower()].get("parameters", ())):
            yield self._resolved(declared)

    def _parameter_problems(
        self, template: str, method: str, values: dict[str, dict[str, str]]
    ) -> Iterator[str]:
        for parameter in self._parameters(template, method):
            where, name = parameter["in"], parameter["name"]
            given = values.get(where, {}).pop(name, None)
            if given is not None:
                yield from self._broken(
                    self._resolved(parameter["schema"]), _typed(given, parameter), f"{where} {name}"
                )
            elif parameter.get("required"):
                yield f"{where} {name}: missing"
        yield from (f"{where} {name}: unknown" for where, left in values.items() for name in left)

    def _body_problems(self, template: str, method: str, body: Any) -> Iterator[str]:
        if "requestBody" not in self.document["paths"][template][method.lower()]:
            if body not in (None, {}):
                yield "body: the operation takes none"
            return
        keys = (
            "paths",
            template,
            method.lower(),
            "requestBody",
            "content",
            "application/json",
            "schema",
        )
        pointer = f"#/{'/'.join(map(_escaped, keys))}"
        yield from self._broken({"$ref": f"{_HERE}{pointer}"}, {} if body is None else body, "body")
        yield from self._unexpected(reduce(lambda held, key: held[key], keys, self.document), body)

    def _unexpected(self, schema: Json, value: Any, where: str = "body") -> Iterator[str]:
        """What JSON Schema lets through: misspelled members, and those that the server writes."""
        parts = list(self._parts(schema))
        if isinstance(value, list):
            items = {"anyOf": [part["items"] for part in parts if "items" in part]}
            for index, each in enumerate(value):
                yield from self._unexpected(items, each, f"{where}[{index}]")
        if not isinstance(value, dict):
            return
        named = any("properties" in part for part in parts)
        closed = named and not any(part.get("additionalProperties") for part in parts)
        for name, member in value.items():
            declared = [p["properties"][name] for p in parts if name in p.get("properties", {})]
            if closed and not declared:
                yield f"{where}.{name}: unknown"
            if any(self._resolved(each).get("readOnly") for each in declared):
                yield f"{where}.{name}: read-only"
            yield from self._unexpected({"anyOf": declared}, member, f"{where}.{name}")

    def _parts(self, schema: Json) -> Iterator[Json]:
        """The schema and every alternative or part of it."""
        schema = self._resolved(schema)
        yield schema
        for part in (branch for word in _SEVERAL for branch in schema.get(word, ())):
            yield from self._parts(part)

    def _broken(self, schema: Json, value: Any, where: str) -> Iterator[str]:
        validator = Draft202012Validator(schema, registry=self._registry, format_checker=FORMATS)
        for error in validator.iter_errors(value):
            yield from (
                f"{where}{cause.json_path[1:]}: {cause.message}" for cause in _causes(error)
            )


def _causes(error: ValidationError) -> Iterator[ValidationError]:
    """What broke the alternative that came closest, where the error is that none fits."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    if not branches:
        yield error
        return
    for inner in min(branches.values(), key=len):
        yield from _causes(inner)


def _segments(path: str) -> list[str]:
    return path.split("/")


def _fits(template: list[str], given: list[str]) -> bool:
    return len(template) == len(given) and all(
        bool(segment) if slot.startswith("{") else slot == segment
        for slot, segment in zip(template, given, strict=True)
    )


def _shape(template: str) -> str:
    return re.sub(r"{[^}]*}", "{}", template)


def _typed(given: str, parameter: Json) -> str | int:
    wants_integer = parameter["schema"].get("type") == "integer"
    return int(given) if wants_integer and re.fullmatch(r"-?[0-9]+", given) else given


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _unescaped(key: str) -> str:
    return key.replace("~1", "/").replace("~0", "~")


def _as_json(value: Any) -> Json:
    assert isinstance(value, dict)
    return value
