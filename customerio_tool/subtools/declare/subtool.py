"""The declaration of a subtool, from which its schemas, requests and results are derived."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from customerio_tool.errors import ArgumentsInvalid, Look
from customerio_tool.records import record
from customerio_tool.subtools.declare.arguments import Args
from customerio_tool.subtools.declare.contradictions import contradictions_of
from customerio_tool.subtools.declare.definition import brief_of, shown_schema, whole_schema
from customerio_tool.subtools.declare.endpoint import Api, Effect, Endpoint, Pace
from customerio_tool.subtools.declare.example import Example
from customerio_tool.subtools.declare.identifiers import shape_of
from customerio_tool.subtools.declare.invocation import Invocation
from customerio_tool.subtools.declare.json_input import read
from customerio_tool.subtools.declare.marks import PEOPLE_FILTER, finders_of, marks
from customerio_tool.subtools.declare.person_ids import CANNOT_BE
from customerio_tool.subtools.declare.privacy import People
from customerio_tool.subtools.declare.problems import MAX_PROBLEMS, problems_of, refuse
from customerio_tool.subtools.declare.reach import Addressees, Reach
from customerio_tool.subtools.declare.reading import is_time, optional_names, read_values
from customerio_tool.subtools.declare.reads import FoundThrough, SecondRead, Verify
from customerio_tool.subtools.declare.results import (
    FIRST_SENT_AT,
    POSSIBLY,
    Answer,
    Member,
    Shape,
    envelope_schema,
)
from customerio_tool.subtools.declare.subject import About
from customerio_tool.subtools.declare.target import TARGET_MEMBERS, Target
from customerio_tool.subtools.declare.times import iso_time
from customerio_tool.subtools.declare.types import opened

if TYPE_CHECKING:
    from customerio_tool.details import Brief

A = TypeVar("A", bound=Args)


@record(frozen=True, kw_only=True, eq=False)
class Subtool(Generic[A]):
    """The complete declaration of one subtool.

    Args:
        name: The subtool's id, in snake_case.
        description: The description for the model; it begins with the product page's sentence.
        args: The class of the arguments.
        endpoint: The endpoint of a call.
        effect: The effect of a call on the workspace.
        pace: The rate limit that a call counts against.
        shape: How the reply becomes a result.
        reference: The URL of the endpoint's page in Customer.io's reference.
        examples: At least two example calls.
        mend: Returns refused arguments as they can only be meant; it never reaches more people.
        query: Returns the query parameters of a call; a parameter with the value None is not sent.
        body: Returns the JSON body of a call; a call without this function has no body.
        narrower_endpoint: The endpoint of the calls that give every argument of its path, where
            `endpoint` serves the others.
        narrower_when: Returns whether a call uses the narrower endpoint, where that has no slot of
            its own.
        narrower_expects: The member of the narrower endpoint's reply, where it differs from
            `shape.expects`.
        second_read: A further read that some calls need.
        always: Members of every result, success or failure, that are known before the call is
            sent, such as an event's id.
        verify: A read that may show whether a call took effect, for a call whose reply was lost.
            Every create needs it.
        look: Returns the call by which a model can check whether a call took effect. Every send
            and every create needs it.
        target: What a call may erase or merge, and the read that shows it before. Every subtool
            that erases needs it; of any other, it is read under a policy that confirms.
        plan: Returns what a call will do, and to whom, as a sentence for the person who decides
            whether it runs. Every subtool that may be asked about needs it.
        not_found_hint: Returns a sentence on how to find the right id, for a 404.
        found_through: The look-up that finds the right id, and the sentence that says so, in place
            of `not_found_hint` where that look-up may run.
        refused_hint: Returns a sentence on the argument that a refusal with this HTTP status may
            be about, or "".
        identity: Returns the JSON value that all calls of one message share; by default that is
            the request. Of a send only.
        reach: Returns the recipients of the message that a call itself sends; campaigns that it
            starts do not count. Every send needs it.
        addressees: Returns to whom the message of a call goes; by default its `reach` and its
            person.
        may_start_campaigns: Whether a call may start a campaign, which can write to anybody. Every
            event needs it.
        may_redirect_messages: Whether a call may give a person a device or an address, so that
            later messages to that person reach somebody else.
        person_argument: The argument that identifies the one person that a call is about; None if
            there is no such argument. The audit trail has a hash of that person.
        person_type_argument: The argument with the type of that identifier, if there is one.
        people: The paths of people in the replies. Every read needs it, and every subtool with a
            `second_read` or `verify`; `NO_PEOPLE` means none.
        about: Returns whether a reply may be about the object that the call names. Every read of an
            endpoint with a slot needs it, also as `second_read` or `verify`; `UNNAMED` means that
            no reply tells.
        data_argument: The argument with the data of an event. Every event needs it.
        file_arguments: The arguments with the URL of a file of recipients. Every send needs it;
            `()` means none.
        key_argument: The argument with the caller's own key of a message. Every send needs it.
        ledger_keeps: The members of a result that the ledger keeps, for the result of a repeat:
            ids and times, no personal data. Every send needs it.
        basic: The optional arguments of the detail `basic`; None means all that are shown.
        is_lookup: Whether it is a look-up: a read beside the product's page, off by default.

    Raises:
        TypeError: The declaration contradicts itself.
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
    mend: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    query: Callable[[A, Invocation], Mapping[str, Any]] | None = None
    body: Callable[[A, Invocation], Any] | None = None
    narrower_endpoint: Endpoint | None = None
    narrower_when: Callable[[A], bool] | None = None
    narrower_expects: str | None = None
    second_read: SecondRead[A] | None = None
    always: Mapping[str, Member[A]] = field(default_factory=dict)
    verify: Verify[A] | None = None
    look: Callable[[A, Invocation], Look] | None = None
    target: Target[A] | None = None
    plan: Callable[[A], str] | None = None
    not_found_hint: Callable[[A], str] | None = None
    found_through: FoundThrough[A] | None = None
    refused_hint: Callable[[A, int], str] | None = None
    identity: Callable[[A, Invocation], Any] | None = None
    reach: Callable[[A], Reach] | None = None
    addressees: Callable[[A, Invocation], Addressees] | None = None
    may_start_campaigns: bool = False
    may_redirect_messages: bool = False
    person_argument: str | None
    person_type_argument: str | None = None
    people: People | None = None
    about: About | None = None
    data_argument: str | None = None
    file_arguments: Sequence[str] | None = None
    key_argument: str | None = None
    ledger_keeps: Sequence[str] | None = None
    basic: Sequence[str] | None = None
    is_lookup: bool = False

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself, when its module is imported."""
        for contradiction, is_present in contradictions_of(self).items():
            if is_present:
                raise TypeError(f"{self.name}: {contradiction}")

    @property
    def title(self) -> str:
        """The name as words in Title Case."""
        return self.name.replace("_", " ").title()

    @property
    def promise(self) -> str:
        """The first sentence of the description."""
        return re.split(r"(?<=\.) (?=[A-Z])", self.description, maxsplit=1)[0]

    @property
    def use(self) -> str:
        """What the description says on when to use the subtool; empty if it does not say that."""
        found = re.search(r"(?<=\. )Use .*?(?=[.;]( |$))", self.description)
        return f"{found[0]}." if found else ""

    @property
    def endpoints(self) -> list[Endpoint]:
        """The endpoints that a call may use for its request."""
        narrower = self.narrower_endpoint
        return [self.endpoint] if narrower is None else [self.endpoint, narrower]

    def endpoint_of(self, args: A) -> Endpoint:
        """Return the endpoint of a call: the narrower one if all of its slots are given."""
        narrower = self.narrower_endpoint
        return narrower if narrower and self._is_narrower(args, narrower) else self.endpoint

    def _is_narrower(self, args: A, narrower: Endpoint) -> bool:
        if self.narrower_when:
            return self.narrower_when(args)
        return all(self._value(args, slot) is not None for slot in narrower.slots)

    def expected_of(self, args: A) -> str | None:
        """Return the member that the reply to a read must have, or None."""
        is_narrower = self.endpoint_of(args) is self.narrower_endpoint
        return (is_narrower and self.narrower_expects) or self.shape.expects

    @property
    def apis(self) -> set[Api]:
        """The APIs that a call may use."""
        return {self.endpoint.api} | (
            {self.second_read.endpoint.api} if self.second_read else set()
        )

    @property
    def opens_reach(self) -> str:
        """How a call lets messages reach people whom it does not name, as a verb; else ""."""
        if self.may_start_campaigns:
            return "can start campaigns, which write to anybody"
        if self.may_redirect_messages:
            return "can change where messages to a person go"
        return ""

    @property
    def argument_names(self) -> list[str]:
        """The names of all arguments, in order."""
        return list(self.args.model_fields)

    def parse(
        self, arguments: Mapping[str, Any] | str | bytes | None, lookups: Collection[str] = ()
    ) -> A:
        """Return the typed arguments of a call.

        Args:
            arguments: A mapping or JSON text. An argument that is null counts as not given; None
                means no arguments.
            lookups: The look-ups that may run, which an error may advise.

        Raises:
            ArgumentsInvalid: An argument is missing, unknown, of the wrong type or over a limit,
                or JSON cannot hold it.
        """
        given = self._given(read(arguments))
        try:
            return self._typed(given, lookups)
        except ArgumentsInvalid as error:
            self._advise(error, opened(self.args, given), lookups)
            raise

    def _typed(self, given: Mapping[str, Any], lookups: Collection[str] = ()) -> A:
        values, reading = read_values(self.args, given)
        try:
            args = self.args.model_validate(values)
        except ValidationError as error:
            shown = opened(self.args, given)
            finders = finders_of(self.args, lookups)
            problems = problems_of(error, self.args, optional_names(self.args), shown, finders)
        else:
            return args.read_as(reading)
        return refuse(problems)

    def _advise(
        self, error: ArgumentsInvalid, given: Mapping[str, Any], lookups: Collection[str]
    ) -> None:
        """Give an error the arguments that are certainly meant, or the read that finds a number."""
        from customerio_tool.subtools.declare.mending import look_for, mended

        is_type_wrong = any(each.problem.startswith(CANNOT_BE) for each in error.fields)
        wrong = {re.split(r"[.\[]", each.path)[0] for each in error.fields}
        tries = mended(self.args, given, wrong=wrong, is_type_wrong=is_type_wrong)
        meant = (self.mend(values) if self.mend else values for values in tries)
        corrected = next(filter(self._is_right, meant), None)
        if corrected is not None:
            error.correct(corrected)
        elif look := look_for(finders_of(self.args, lookups), given):
            error.look = look
            error.add("`look` is the call that finds it.")

    def _is_right(self, given: Mapping[str, Any]) -> bool:
        try:
            self._typed(given)
        except ArgumentsInvalid:
            return False
        return True

    def _given(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments without nulls, and with one unknown one more than an error lists."""
        unknown = [name for name in arguments if name not in self.args.model_fields]
        optional = optional_names(self.args)
        nulls = [name for name, value in arguments.items() if value is None and name in optional]
        left_out = {*unknown[MAX_PROBLEMS + 1 :], *nulls}
        return {name: value for name, value in arguments.items() if name not in left_out}

    def changed(self, args: A, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call as a model sends them, some changed; None leaves out."""
        fields = self.args.model_fields
        given = {
            name: iso_time(value) if is_time(fields[name]) and value is not None else value
            for name, value in args
        }
        return {name: value for name, value in {**given, **changes}.items() if value is not None}

    def result(self, answer: Answer[A]) -> dict[str, Any]:
        """Return the success envelope for an answer."""
        envelope = self.shape.envelope(answer)
        return envelope | self.facts(answer.args, answer.invocation) if self.always else envelope

    def facts(self, args: A, invocation: Invocation) -> dict[str, Any]:
        """Return the members of `always`, which every result of the call has."""
        return {name: member.value_of(args, invocation) for name, member in self.always.items()}

    def person_of(self, args: A) -> tuple[str, str] | None:
        """Return the type and the identifier of the person that a call is about, or None."""
        person: str | None = self._value(args, self.person_argument)
        if person is None:
            return None
        return self._value(args, self.person_type_argument) or shape_of(person), person

    def addressees_of(self, args: A, invocation: Invocation) -> Addressees:
        """Return to whom the message of a call goes."""
        if self.addressees:
            return self.addressees(args, invocation)
        person = self.person_of(args)
        known = self.reach(args).known if self.reach else ()
        everybody = ([] if person is None else [person]) + [("email", each) for _, each in known]
        return Addressees(tuple(everybody), tuple(everybody))

    def data_of(self, args: A) -> Mapping[str, Any]:
        """Return the data of an event; an empty mapping if the subtool sends no event."""
        return self._value(args, self.data_argument) or {}

    def filters_of(self, args: A) -> dict[str, Any]:
        """Return the given arguments whose type is marked with `PEOPLE_FILTER`."""
        marked = [
            name for name, field in self.args.model_fields.items() if marks(field, PEOPLE_FILTER)
        ]
        return {name: value for name, value in args if name in marked and value is not None}

    def templates_of(self, args: A) -> dict[str, Any]:
        """Return the given arguments that may hold Liquid: all of a send, or of an event.

        Customer.io fills in a person's attributes where a message has them, and a message may have
        any text of a send, or of the event that triggers it.
        """
        may_be_rendered = self.effect is Effect.SEND or self.may_start_campaigns
        given = args.given()
        return given if may_be_rendered else {}

    def files_of(self, args: A) -> list[str]:
        """Return the names of the given arguments that hold the URL of a file of recipients."""
        return [name for name in self.file_arguments or () if self._value(args, name) is not None]

    def key_of(self, args: A) -> str | None:
        """Return the caller's own key of a message, or None."""
        key: str | None = self._value(args, self.key_argument)
        return key

    def advice_of(self, args: A, lookups: Collection[str]) -> str:
        """Return how to find the right id after a 404, as a sentence; "" if nothing is known."""
        if self.found_through and self.found_through.lookup in lookups:
            return self.found_through.hint(args)
        return self.not_found_hint(args) if self.not_found_hint else ""

    def _value(self, args: A, argument: str | None) -> Any:
        return None if argument is None else getattr(args, argument)

    def definition(self) -> dict[str, Any]:
        """Return MCP's definition of a tool, with MCP's member names in snake_case.

        Like both schemas, it is the caller's own: no change of it reaches anything else.
        """
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "input_schema": shown_schema(self.args),
            "output_schema": self.output_schema(),
            "annotations": self.effect.annotations,
        }

    def brief(self) -> Brief:
        """Return the short form of the definition, for the details `compact` and `basic`."""
        return brief_of(self)

    def describe(self) -> dict[str, Any]:
        """Return the definition with every argument that a call takes, and the example calls."""
        examples = [
            {"title": e.title, "arguments": deepcopy(dict(e.arguments))} for e in self.examples
        ]
        return {**self.definition(), "input_schema": self.input_schema(), "examples": examples}

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the arguments: one plain type for each, no other arguments."""
        return whole_schema(self.args)

    def output_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of every result, in which only `ok` and `summary` are required."""
        always = {name: member.schema for name, member in self.always.items()}
        if self.effect is Effect.SEND:
            always |= {"first_sent_at": FIRST_SENT_AT, "possibly": POSSIBLY}
        if self.target:
            is_told = self.effect is Effect.ERASE
            always |= TARGET_MEMBERS if is_told else {"target": TARGET_MEMBERS["target"]}
        return deepcopy(envelope_schema(self.shape, always))
