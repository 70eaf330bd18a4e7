"""The declaration of a subtool: everything else is derived from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from customerio_tool.errors import Look
from customerio_tool.subtools.declare.endpoint import Api, Effect, Endpoint, Pace, Retry
from customerio_tool.subtools.declare.identifiers import shape_of
from customerio_tool.subtools.declare.invocation import Invocation
from customerio_tool.subtools.declare.json_input import read
from customerio_tool.subtools.declare.privacy import People
from customerio_tool.subtools.declare.problems import problems_of, refuse
from customerio_tool.subtools.declare.reach import Reach
from customerio_tool.subtools.declare.results import (
    FIRST_SENT_AT,
    Answer,
    Member,
    Shape,
    envelope_schema,
)
from customerio_tool.subtools.declare.schema import ArgumentSchema
from customerio_tool.subtools.declare.vendor_json import Item


class Args(BaseModel):
    """The arguments of one subtool: closed, frozen, and checked before anything is sent.

    They hold personal data, so that `repr` and `str` show none of them.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True
    )

    def __repr_args__(self) -> list[tuple[str, Any]]:
        return []


A = TypeVar("A", bound=Args)


@dataclass(frozen=True)
class Sends:
    """The request that an example sends, written out: the path encoded, the body as JSON."""

    method: str
    path: str
    query: str = ""
    body: Any = None


@dataclass(frozen=True)
class Example:
    """A worked call: it is test, documentation and sandbox contract at once.

    In `sends.body`, the text `$now` stands for the second of the call and `$ulid` for a fresh id.
    """

    arguments: Mapping[str, Any]
    sends: Sends
    title: str = ""


@dataclass(frozen=True)
class SecondRead(Generic[A]):
    """A second read, made when `when` says so; its reply reaches the shape as `answer.second`.

    `expects` is the member without which that reply cannot be used.
    """

    endpoint: Endpoint
    when: Callable[[A], bool]
    expects: str


@dataclass(frozen=True)
class Verify(Generic[A]):
    """A read that may show whether a call took effect whose answer was lost.

    `found` gets the call and the read's JSON; it returns what the lost answer would have held, or,
    for a send, what is possibly of this call; None where nothing is found.
    """

    endpoint: Endpoint
    found: Callable[[A, Invocation, Item], Item | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Subtool(Generic[A]):
    """One subtool, whole.

    Args:
        name: Its id in snake_case.
        description: What the model reads; begins with the sentence of the product's page.
        args: The model of its arguments.
        endpoint: The endpoint.
        effect: What it does to the workspace.
        pace: The rate class that it counts against.
        shape: How the reply is told to the model.
        reference: The vendor's page.
        examples: At least two worked calls.
        query: The query parameters of a typed call; those that are None are not sent.
        body: The JSON body of a typed call; None sends no body.
        second_read: A second read.
        always: What is known before sending and told in every result, such as the event's id.
        verify: The read that may show whether a call took effect whose answer was lost.
        look: The call with which a model can see whether an unanswered one took effect.
        not_found_hint: How to find the right id, for when Customer.io does not know it.
        refused_hint: Which argument a refusal with this HTTP status may be about, or nothing.
        reach: Whom a call writes to by itself, as far as its arguments tell.
        may_start_campaigns: Whether a call may start a campaign, which can write to anybody.
        person_argument: The argument that names the one person a call is about; None where there
            is no such argument. The audit trail has a hash of that person.
        person_type_argument: The argument with the type of that identifier, where there is one.
        people: Where people stand in the reply; every read says it, `NO_PEOPLE` if nowhere.
        data_argument: The argument with the data of an event; every event has one.
        file_arguments: The arguments that name a file of people on the web; every send says it,
            `()` if none.
        key_argument: The argument that names a message; every send has one.
    """

    name: str
    description: str
    args: type[A]
    endpoint: Endpoint
    effect: Effect
    pace: Pace
    shape: Shape[A]
    reference: str
    examples: Sequence[Example]
    query: Callable[[A, Invocation], Mapping[str, Any]] | None = None
    body: Callable[[A, Invocation], Any] | None = None
    second_read: SecondRead[A] | None = None
    always: Mapping[str, Member[A]] = field(default_factory=dict)
    verify: Verify[A] | None = None
    look: Callable[[A, Invocation], Look] | None = None
    not_found_hint: Callable[[A], str] | None = None
    refused_hint: Callable[[A, int], str] | None = None
    reach: Callable[[A], Reach] | None = None
    may_start_campaigns: bool = False
    person_argument: str | None
    person_type_argument: str | None = None
    people: People | None = None
    data_argument: str | None = None
    file_arguments: Sequence[str] | None = None
    key_argument: str | None = None

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself, so that it cannot be imported."""
        for complaint, wrong in self._contradictions().items():
            if wrong:
                raise TypeError(f"{self.name}: {complaint}")

    def _contradictions(self) -> dict[str, bool]:
        return {
            "a slot of the path is no argument": bool(
                set(self.endpoint.slots) - set(self.argument_names)
            ),
            "a GET has no body": self.endpoint.method == "GET" and self.body is not None,
            "only a GET can be a read": self.effect.read_only != (self.endpoint.method == "GET"),
            "a send needs `look`": self.effect.retry is not Retry.ALWAYS and self.look is None,
            "a create needs `verify`": self.effect.retry is Retry.VERIFY and self.verify is None,
            "a send needs `reach`": self.effect is Effect.SEND and self.reach is None,
            "an event needs `may_start_campaigns`": self.effect is Effect.RECORD
            and not self.may_start_campaigns,
            "a read needs `people`": self.effect.read_only and self.people is None,
            "an event needs `data_argument`": (
                self.effect is Effect.RECORD and self.data_argument is None
            ),
            "a send needs `file_arguments`": (
                self.effect is Effect.SEND and self.file_arguments is None
            ),
            "a send needs `key_argument`": self.effect is Effect.SEND and self.key_argument is None,
            "an argument is named that it does not have": bool(
                self._named_arguments() - set(self.argument_names)
            ),
            "at least two examples": len(self.examples) < 2,
        }

    def _named_arguments(self) -> set[str]:
        """Return the names that the declaration gives as those of arguments."""
        named = {self.person_argument, self.person_type_argument, self.data_argument}
        named |= {self.key_argument, *(self.file_arguments or ())}
        return {name for name in named if name is not None}

    @property
    def title(self) -> str:
        """The words of the name in Title Case."""
        return self.name.replace("_", " ").title()

    @property
    def promise(self) -> str:
        """The first sentence of the description."""
        return re.split(r"(?<=\.) (?=[A-Z])", self.description, maxsplit=1)[0]

    @property
    def apis(self) -> set[Api]:
        """The APIs that a call may need."""
        return {self.endpoint.api} | (
            {self.second_read.endpoint.api} if self.second_read else set()
        )

    @property
    def argument_names(self) -> list[str]:
        """The names of all arguments, in order."""
        return list(self.args.model_fields)

    def parse(self, arguments: Mapping[str, Any] | str | bytes | None) -> A:
        """Return the typed arguments.

        A null at the top level means that the argument is not given.

        Raises:
            ArgumentsInvalid: An argument is missing, unknown, of the wrong type or over a limit.
        """
        given = read(arguments)
        try:
            return self.args.model_validate(given)
        except ValidationError as error:
            problems = problems_of(error, self.argument_names)
        return refuse(problems)

    def result(self, answer: Answer[A]) -> dict[str, Any]:
        """Return the success envelope for an answer."""
        return {**self.shape.envelope(answer), **self.facts(answer.args, answer.invocation)}

    def facts(self, args: A, invocation: Invocation) -> dict[str, Any]:
        """Return what is known before sending and told in every result."""
        return {name: member.value_of(args, invocation) for name, member in self.always.items()}

    def person_of(self, args: A) -> tuple[str, str] | None:
        """Return type and identifier of the person a call is about; None where it names none."""
        person: str | None = self._value(args, self.person_argument)
        if person is None:
            return None
        return self._value(args, self.person_type_argument) or shape_of(person), person

    def data_of(self, args: A) -> Mapping[str, Any]:
        """Return the data of an event; nothing for what is no event."""
        return self._value(args, self.data_argument) or {}

    def files_of(self, args: A) -> list[str]:
        """Return the arguments given that name a file of people on the web."""
        return [name for name in self.file_arguments or () if self._value(args, name) is not None]

    def key_of(self, args: A) -> str | None:
        """Return the caller's own key of a message, if there is one."""
        key: str | None = self._value(args, self.key_argument)
        return key

    def _value(self, args: A, argument: str | None) -> Any:
        return None if argument is None else getattr(args, argument)

    def definition(self) -> dict[str, Any]:
        """Return what a model or host needs to know, under MCP's names in snake_case."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "input_schema": self.input_schema(),
            "output_schema": self.output_schema(),
            "annotations": self.effect.annotations,
        }

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the arguments: flat, closed, one plain type for each."""
        schema = self.args.model_json_schema(schema_generator=ArgumentSchema)
        return {key: schema[key] for key in _SCHEMA_KEYS if key in schema}

    def output_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of every result; only `ok` and `summary` are sure."""
        known = {name: member.schema for name, member in self.always.items()}
        if self.effect is Effect.SEND:
            known["first_sent_at"] = FIRST_SENT_AT
        return envelope_schema(self.shape, known)


_SCHEMA_KEYS = ("type", "properties", "required", "additionalProperties")
