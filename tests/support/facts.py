"""Knows the recorded facts of Customer.io's API: `tests/contract/facts.yaml`, checked and typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tests.support.project import ROOT

JsonType = Literal["string", "integer", "number", "boolean", "object", "array"]
Sentence = Annotated[str, Field(pattern=r"\S.*\.$")]
Tags = Annotated[tuple[str, ...], Field(min_length=1)]

_FILE = ROOT / "tests" / "contract" / "facts.yaml"


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Sourced(_Fact):
    """Something with a source of its own that says whether it is settled."""

    source: Tags
    verified: bool


class Source(_Fact):
    """A public document or program that a fact was read from."""

    what: str
    where: str


class ApiFacts(_Sourced):
    """One of the two APIs: its hosts by region, and how a caller proves who it is."""

    hosts: dict[Literal["us", "eu"], str]
    prefix: str
    auth: Literal["basic", "bearer"]
    credentials: tuple[str, ...]


class Envelope(_Sourced):
    """The shape of an error's body, with an invented example where it has one."""

    sentence: Sentence
    example: dict[str, Any] | None = None


class Limit(_Sourced):
    """A bound, both ends included."""

    sentence: Sentence
    unit: Literal["bytes", "items", "names", "seconds", "months", "years", "periods"]
    max: int
    min: int | None = None


class Rate(_Sourced):
    """How many requests are let through in how many seconds."""

    sentence: Sentence
    requests: int
    per_seconds: int
    enforced: bool


class FreeKeys(_Fact):
    """What a key without a name of its own may hold."""

    types: tuple[JsonType, ...]
    limits: tuple[str, ...] = ()
    note: Sentence | None = None


class FieldFacts(_Fact):
    """One named value in a path, query, body or reply."""

    type: JsonType
    also: tuple[JsonType, ...] = ()
    items: JsonType | None = None
    required: bool = False
    nullable: bool = False
    read_only: bool = False
    open: bool = False
    unit: Literal["seconds"] | None = None
    format: str | None = None
    default: Any = None
    enum: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    exactly_one_of: tuple[str, ...] = ()
    fields: dict[str, FieldFacts] = {}
    note: Sentence | None = None
    source: Tags | None = None
    verified: bool | None = None


class Body(_Fact):
    """A JSON object that a request carries."""

    fields: dict[str, FieldFacts]
    open: bool = False
    free_keys: FreeKeys | None = None
    limits: tuple[str, ...] = ()
    note: Sentence | None = None

    def required(self) -> set[str]:
        """The names of the fields that a request cannot do without."""
        return {name for name, field in self.fields.items() if field.required}


class Reply(_Fact):
    """What comes back on one success status."""

    body: Literal["empty_object", "json", "none"]
    fields: dict[str, FieldFacts] = {}
    note: Sentence | None = None
    source: Tags | None = None


class Failure(_Fact):
    """What comes back on one error status, and when."""

    envelope: str
    when: str
    note: Sentence | None = None
    source: Tags | None = None
    verified: bool | None = None


class Operation(_Sourced):
    """One method and path, with everything a client sends and a server answers."""

    api: Literal["track", "app"]
    method: Literal["GET", "PUT", "POST", "DELETE"]
    path: str
    rate: str
    path_fields: dict[str, FieldFacts] = {}
    query: dict[str, FieldFacts] = {}
    body: Body | None = None
    reply: dict[int, Reply]
    errors: dict[int, Failure]

    def sent_fields(self) -> Iterator[tuple[str, FieldFacts]]:
        """Every field a client sends, nested ones too, each with its dotted name."""
        yield from walk(self.path_fields)
        yield from walk(self.query)
        yield from walk(self.body.fields if self.body else {})

    def all_fields(self) -> Iterator[tuple[str, FieldFacts]]:
        """Every field of the request and of the replies, each with its dotted name."""
        yield from self.sent_fields()
        for reply in self.reply.values():
            yield from walk(reply.fields)


class Semantic(_Sourced):
    """A free-standing sentence; one that is not verified says which way we lean, and why.

    `holds` tells whether the local Customer.io does by default as a sentence in doubt says; it is
    left out where no call can show that.
    """

    id: str
    sentence: Sentence
    leaning: Sentence | None = None
    holds: bool | None = None


class Facts(_Fact):
    """The whole file."""

    sources: dict[str, Source]
    apis: dict[Literal["track", "app"], ApiFacts]
    envelopes: dict[str, Envelope]
    limits: dict[str, Limit]
    rates: dict[str, Rate]
    operations: dict[str, Operation]
    endpoints: dict[str, Operation]
    lookups: dict[str, Operation]
    facts: tuple[Semantic, ...]

    def served(self) -> dict[str, Operation]:
        """The operations of the subtools and the look-ups, and the endpoints beside them, by id."""
        return {**self.operations, **self.endpoints, **self.lookups}

    def called(self) -> dict[str, Operation]:
        """The operations of the subtools and the look-ups, by their ids."""
        return {**self.operations, **self.lookups}

    def fact(self, fact_id: str) -> Semantic:
        """The free-standing fact of this id.

        Raises:
            KeyError: no fact has this id.
        """
        return {fact.id: fact for fact in self.facts}[fact_id]


def walk(fields: dict[str, FieldFacts], within: str = "") -> Iterator[tuple[str, FieldFacts]]:
    """Every field and every field inside it, each with its dotted name."""
    for name, field in fields.items():
        dotted = f"{within}{name}"
        yield dotted, field
        yield from walk(field.fields, f"{dotted}.")


_SAMPLES = {"string": "x", "integer": 1763800000, "number": 1.5, "boolean": True}
_FORMATTED = {"email": "ada@example.com", "ulid": "01JD5T3Q6C9W4Y2M8K7H1N0PZX"}


def sample(field: FieldFacts) -> Any:
    """A value of this field that the facts call right."""
    if field.type == "object":
        return minimal(field.fields, field.exactly_one_of)
    if field.type == "array":
        return [{} if field.items == "object" else _SAMPLES[field.items or "string"]]
    if field.enum:
        return field.enum[0]
    return _FORMATTED.get(field.format or "", _SAMPLES[field.type])


def minimal(fields: dict[str, FieldFacts], choice: tuple[str, ...] = ()) -> dict[str, Any]:
    """The smallest object that the facts call right."""
    needed = {name for name, field in fields.items() if field.required} | set(choice[:1])
    return {name: sample(field) for name, field in fields.items() if name in needed}


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, where YAML would keep the last in silence."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        names = [key.value for key, _ in node.value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise yaml.MarkedYAMLError(problem=f"{twice} twice", problem_mark=node.start_mark)
        return node


def parse(text: str) -> Facts:
    """The facts in `text`, which is YAML as `facts.yaml` describes it.

    Raises:
        yaml.YAMLError: the text is no YAML, or a key stands twice in one mapping.
        pydantic.ValidationError: a key is missing, unknown or of the wrong type.
    """
    plain = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506  a SafeLoader that is stricter still
    return Facts.model_validate_json(json.dumps(plain))


@cache
def load() -> Facts:
    """The committed facts, read once."""
    return parse(_FILE.read_text(encoding="utf-8"))
