"""`Policy`: which subtools may run, whom they may write to, and which attributes stay hidden."""

# Without `annotations` of `__future__`, with which pydantic compiles each field's at every start.

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from customerio_tool.errors import (
    ConnectionInvalid,
    FieldProblem,
    PolicyRefused,
    Problem,
    SubtoolDisabled,
)
from customerio_tool.policy.barred import barred
from customerio_tool.policy.values import (
    AskedEffect,
    Confirm,
    Confirmations,
    read_attributes,
    read_confirm,
    read_count,
    read_flag,
    read_flag_or_none,
    read_recipients,
    read_subtools,
    read_word,
)
from customerio_tool.secret import Environment
from customerio_tool.subtools.declare import NO_PEOPLE, Args, Effect, Subtool, override_of
from customerio_tool.subtools.declare.json_input import parse
from customerio_tool.subtools.declare.problems import MAX_PROBLEMS, raised_in, refuse
from customerio_tool.subtools.declare.wording import nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

EVENT_OVERRIDES = ("recipient", "from_address", "reply_to")
"""Members of an event's data that override the address fields of the message which it triggers
(https://docs.customer.io/api/track/#operation/track)."""

PRESETS: Mapping[str, Mapping[str, object]] = {
    "careful": {"confirm": "human"},
    "read_only": {"read_only": True},
    "open": {"event_overrides": True, "data_files": True},
}
"""The named policies; each lists the fields that differ from the default policy."""


# Type checkers see `_Names`, which callers may pass; the validators store `_Stored`.
_Names: TypeAlias = Collection[str]
_Stored: TypeAlias = frozenset[str]


class Policy(BaseModel):
    """What an agent may do; the operator sets it, and no argument of a model can change it.

    The default policy allows every subtool and asks nobody, but refuses events that redirect mail
    and audiences from files. Each field's description says what it allows or forbids; the JSON
    Schema of a saved connection publishes these descriptions.

    A policy is frozen: `only` returns a changed copy. `repr` hides the addresses of
    `allowed_recipients`.

    Every field also accepts text, since configurations and environments contain text: `"true"`,
    `"12"`, a list with commas or as a JSON array. Blank text is refused: read as "nothing given",
    a blank allow-list would allow everybody.

    To make one, call `Policy(read_only=True)`, or `Policy.load` for a saved configuration, or
    `Policy.from_env` for environment variables.

    Raises:
        ValidationError: A field is blank, wrong or unknown; `load` raises `ConnectionInvalid`.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    enabled: Annotated[
        _Names | None, PlainValidator(read_subtools, json_schema_input_type=_Stored | None)
    ] = Field(default=None, description="The subtools or sets that may run; null allows all.")
    read_only: Annotated[bool, BeforeValidator(read_flag)] = Field(
        default=False, description="Allow reads alone, whatever is enabled, now or later."
    )
    lookups: Annotated[bool | None, BeforeValidator(read_flag_or_none)] = Field(
        default=None,
        description=(
            "Whether the look-ups may run too: reads beside the subtools of the product's page. "
            "Null leaves them off unless whoever makes the tool turns them on, false for good."
        ),
    )
    dry_run: Annotated[bool, BeforeValidator(read_flag)] = Field(
        default=False,
        description="Send nothing; show each request, reads included, as it would go.",
    )
    allowed_recipients: Annotated[
        _Names | None, PlainValidator(read_recipients, json_schema_input_type=_Stored | None)
    ] = Field(
        default=None,
        repr=False,
        description=(
            "E-mail addresses and domains (`example.com` or `@example.com`, without their "
            "subdomains) that messages may go to; null allows all, an empty list none. A call "
            "that reaches people without telling their addresses is refused then."
        ),
    )
    allow_triggers: Annotated[bool, BeforeValidator(read_flag)] = Field(
        default=False,
        description=(
            "Under an allow-list, whether calls may run that can start campaigns, which write to "
            "anybody (events, identify_customer, add_to_segment, remove_from_segment), or that "
            "give a person the devices of another (add_device, merge_customers)."
        ),
    )
    send_budget: Annotated[int | None, BeforeValidator(read_count)] = Field(
        default=None,
        description=(
            "How many sends a run may have, over all workers that share a ledger; null sets no "
            "limit. A broadcast counts as one; where the host names no run, all such calls of a "
            "workspace are one. The count of a run ends a day after its last send."
        ),
    )
    hidden_attributes: Annotated[
        _Names, PlainValidator(read_attributes, json_schema_input_type=_Stored)
    ] = Field(
        default=frozenset(),
        description=(
            "Attributes of people that are never returned, in any case of letters, and that no "
            "filter and no message may read. `address.city` is the part `city` of `address`; a "
            "message that prints `address` is refused then too."
        ),
    )
    event_overrides: Annotated[bool, BeforeValidator(read_flag)] = Field(
        default=False,
        description=(
            "Whether `data` of an event may redirect the message which it triggers "
            "(`recipient`, `from_address`, `reply_to`)."
        ),
    )
    data_files: Annotated[bool, BeforeValidator(read_flag)] = Field(
        default=False,
        description="Whether a broadcast may take its audience from a file on the web.",
    )
    confirm: Annotated[Confirmations, BeforeValidator(read_confirm)] = Field(
        default="never",
        description=(
            "What comes before a call that erases, sends or may merge. `human`: it waits until the "
            "host calls `CustomerIoTool.approve`. `repeat`: the model must ask a second time, "
            "which is a second look and nobody's consent. `never`: nothing. Or an object with a "
            "word for `erase` and one for `send`. In a dry run nothing comes before."
        ),
    )

    @classmethod
    def load(cls, given: "Policy | Mapping[str, object] | str") -> "Policy":
        """Return the policy that a saved configuration describes.

        Args:
            given: One of these: a policy, which is returned as it is; the name of a preset
                (careful, read_only, open); a mapping of fields; or a JSON object as text. A field
                that is None counts as absent. The field `preset` names a preset that the other
                fields change; but with the preset `read_only` the policy is always read-only.

        Raises:
            ConnectionInvalid: Names every bad field as `policy.<field>`, and shows no value.
        """
        if isinstance(given, Policy):
            return given
        fields = _from_text(given) if isinstance(given, str) else given
        if not isinstance(fields, Mapping):
            raise _invalid([FieldProblem("policy", "is not an object", _HOW_TO_GIVE)])
        return _load(fields, {})

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Policy":
        """Load a policy from environment variables; each may be absent.

        - `CUSTOMERIO_POLICY`: the name of a preset, or a JSON object of fields as a saved
          connection has it; the other variables change it
        - `CUSTOMERIO_SUBTOOLS`: the field `enabled`
        - `CUSTOMERIO_READ_ONLY`, `CUSTOMERIO_LOOKUPS`, `CUSTOMERIO_DRY_RUN`,
          `CUSTOMERIO_ALLOWED_RECIPIENTS`, `CUSTOMERIO_ALLOW_TRIGGERS`, `CUSTOMERIO_SEND_BUDGET`,
          `CUSTOMERIO_HIDDEN_ATTRIBUTES`, `CUSTOMERIO_EVENT_OVERRIDES`, `CUSTOMERIO_DATA_FILES`,
          `CUSTOMERIO_CONFIRM`: the field of that name

        Args:
            environ: The variables; by default those of the process.

        Raises:
            ConnectionInvalid: Names every wrong variable, and shows no value.
        """
        source = Environment(environ)
        del environ
        given = {field: source[name] for field, name in VARIABLES.items() if name in source}
        named = given.pop("preset", None)
        saved = {} if named is None else _from_text(named, VARIABLES["preset"])
        return _load({**saved, **given}, VARIABLES)

    @classmethod
    def careful(cls) -> "Policy":
        """Return the preset `careful`: a person approves what erases, sends or may merge."""
        return cls.load("careful")

    @classmethod
    def reads(cls) -> "Policy":
        """Return the preset `read_only`: nothing can be changed or sent."""
        return cls.load("read_only")

    @classmethod
    def open(cls) -> "Policy":
        """Return the preset `open`: everything, also events that redirect mail and files."""
        return cls.load("open")

    def allows(self, subtool: Subtool[Any]) -> bool:
        """Whether a subtool may run with any arguments at all."""
        is_enabled = self.enabled is None or subtool.name in self.enabled
        return is_enabled and not barred(subtool, self)

    def only(self, enabled: Iterable[str]) -> "Policy":
        """Return this policy with exactly these subtools enabled."""
        return self.model_copy(update={"enabled": frozenset(enabled)})

    def confirm_for(self, subtool: Subtool[Any]) -> Confirm:
        """Return what comes before a call of a subtool that must be confirmed.

        A call that may merge two people counts as one that erases. In a dry run nothing comes.
        """
        asks = subtool.effect.asked_first or subtool.target is not None
        if self.dry_run or not asks:
            return "never"
        if isinstance(self.confirm, str):
            return self.confirm
        kind: AskedEffect = "send" if subtool.effect is Effect.SEND else "erase"
        return self.confirm.get(kind, "never")

    def requires_confirmation(self, subtool: Subtool[Any]) -> bool:
        """Whether a call of a subtool must be confirmed first; never in a dry run."""
        return subtool.effect.asked_first and self.confirm_for(subtool) != "never"

    def may_require_confirmation(self, subtool: Subtool[Any]) -> bool:
        """Whether some calls of a subtool must be confirmed, such as those that may merge."""
        return self.confirm_for(subtool) != "never"

    def looks_first(self, subtool: Subtool[Any]) -> bool:
        """Whether the target of a call is read before: always if it erases, else for a question."""
        if self.dry_run or subtool.target is None:
            return False
        return subtool.effect is Effect.ERASE or self.confirm_for(subtool) != "never"

    def shows(self, read: Subtool[Any]) -> bool:
        """Whether a result may show what a read found that the model did not ask for itself."""
        return read.people is NO_PEOPLE or self.allows(read)

    def admit(self, subtool: Subtool[Any]) -> None:
        """Refuse a subtool that may not run, regardless of its arguments.

        Raises:
            PolicyRefused: No arguments of the subtool pass this policy: it is read-only and the
                subtool writes, for example.
            SubtoolDisabled: The subtool is not enabled.
        """
        if reason := barred(subtool, self):
            raise PolicyRefused(f"Nothing was sent. {reason} {_TELL}")
        if self.allows(subtool):
            return
        raise SubtoolDisabled(
            f"The subtool {subtool.name!r} is not enabled for this agent. Nothing was sent. {_TELL}"
        )

    def admit_arguments(self, subtool: Subtool[Any], args: Args) -> None:
        """Refuse the arguments of a call that this policy does not allow.

        Raises:
            ArgumentsInvalid: An event redirects its message, an audience comes from a file, or a
                filter or a text reads a hidden attribute.
            PolicyRefused: The call may write to people who are not on the allow-list.
        """
        problems = self._override_problems(subtool, args) + self._file_problems(subtool, args)
        if self.hidden_attributes:
            from customerio_tool.policy.oracles import oracle_problems

            problems += oracle_problems(subtool, args, self.hidden_attributes)
        if problems:
            refuse(problems)
        if self.allowed_recipients is not None:
            self._admit_recipients(subtool, args, self.allowed_recipients)

    def _override_problems(self, subtool: Subtool[Any], args: Args) -> list[FieldProblem]:
        if self.event_overrides:
            return []
        overridden = {override_of(name) for name in subtool.data_of(args)}
        return [
            FieldProblem(
                f"{subtool.data_argument}.{name}",
                "redirects the message that the event triggers, which this agent may not",
                "ask the user: without it the message goes to the person of the event",
            )
            for name in EVENT_OVERRIDES
            if name in overridden
        ]

    def _file_problems(self, subtool: Subtool[Any], args: Args) -> list[FieldProblem]:
        if self.data_files:
            return []
        problem = "takes the audience from a file on the web, which this agent may not"
        return [
            FieldProblem(path, problem, "name the people instead, as customer_ids or emails")
            for path in subtool.files_of(args)
        ]

    def _admit_recipients(
        self, subtool: Subtool[Any], args: Args, allowed: Collection[str]
    ) -> None:
        from customerio_tool.policy.recipients import reached, recipient_problems

        if problems := recipient_problems(reached(subtool, args), allowed):
            others = f", and {len(problems) - 1:,} more like it" if len(problems) > 1 else ""
            raise PolicyRefused(
                "Nothing was sent: this agent may write only to certain recipients, and "
                f"{problems[0].path} {problems[0].problem}{others}.",
                fields=problems[:MAX_PROBLEMS],
            )


_TELL = "Tell the user; try no other way."

VARIABLES: Mapping[str, str] = {
    "preset": "CUSTOMERIO_POLICY",
    **{name: f"CUSTOMERIO_{name.upper()}" for name in Policy.model_fields},
    "enabled": "CUSTOMERIO_SUBTOOLS",
}
"""The environment variable of each field, and of the preset."""

_SPOKEN_OF = frozenset(field for preset in PRESETS.values() for field in preset)
_HOW_TO_GIVE = f"give {', '.join(PRESETS)} or a JSON object of the policy's fields"


def _from_text(text: str, label: str = "policy") -> Mapping[str, object]:
    """Return the fields that a text describes: it is a JSON object or the name of a preset."""
    if not text.lstrip().startswith("{"):
        return {"preset": text}
    try:
        fields: Mapping[str, object] = parse(text)
    except Problem:
        pass
    else:
        return fields
    raise _invalid([FieldProblem(label, "is not valid JSON", _HOW_TO_GIVE)])


def _load(given: Mapping[str, object], labels: Mapping[str, str]) -> Policy:
    """Return the policy of these fields; `labels` maps a field to its name in error messages."""
    fields = {str(name): value for name, value in given.items() if value is not None}
    preset = fields.pop("preset", None)
    problems: list[FieldProblem] = []
    try:
        word = None if preset is None else read_word(preset, PRESETS)
    except ValueError:
        word = None
        name = labels.get("preset", "policy")
        problems.append(FieldProblem(name, "is not the name of a policy", _HOW_TO_GIVE))
    try:
        policy = Policy.model_validate({**PRESETS.get(word or "", {}), **fields})
        if word:  # what it leaves as it is by default it forbids: no other preset lifts it
            policy = policy.model_copy(update={each: getattr(policy, each) for each in _SPOKEN_OF})
        if word == "read_only":  # no field can undo this preset
            policy = policy.model_copy(update={"read_only": True})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems += [_problem(each, labels) for each in found]
    if problems:
        raise _invalid(problems) from None
    return policy


def _problem(found: "ErrorDetails", labels: Mapping[str, str]) -> FieldProblem:
    field = str(found["loc"][0])
    if problem := raised_in(found):
        return problem.of(labels.get(field, f"policy.{field}"))
    # The name may be a value pasted in the wrong place: show it only if it looks like a name.
    shown = field if re.fullmatch(r"[A-Za-z_]{1,40}", field) else "an unknown field"
    fix = nearest(field, Policy.model_fields)
    return FieldProblem(f"policy.{shown}", "is not a field of a policy", fix)


def _invalid(problems: list[FieldProblem]) -> ConnectionInvalid:
    sentences = " ".join(f"{problem}." for problem in problems)
    return ConnectionInvalid(f"The policy cannot be used. {sentences}", fields=problems)
