"""The ways in which a call can fail; each has a code, a next step and a `took_effect`.

```
CustomerIoError
  ConnectionInvalid
  Refused                    nothing was sent
    SubtoolUnknown
    SubtoolDisabled
    ToolClosed
    ArgumentsInvalid
    LedgerUnavailable
    PolicyRefused
    ConfirmationRequired     with a token the next step is fix_arguments
    ConfirmationUnknown
  Answered                   Customer.io said no
    CredentialsRejected
    PermissionDenied
    NotFound
    RequestRejected
    RateLimited
    ServiceFailed            a read took no effect
  Cancelled                  after an attempt the effect is unknown
  Unreachable
  OutcomeUnknown
  SendInProgress
  ReplyUnreadable
```

Each class states these three; README.md has a table of them.

`str(error)` is for a model or a log. It never contains a key, a value that was sent or personal
data. It does repeat names of arguments and members that a model invented, unless they look like an
e-mail address or a telephone number. Customer.io's own message is in the envelope as `said`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, Literal, TypeAlias

from customerio_tool.records import record

NextStep: TypeAlias = Literal["fix_arguments", "wait", "ask_user", "look_first", "give_up"]
TookEffect: TypeAlias = Literal["no", "unknown"]

__all__ = [
    "Answered",
    "ArgumentsInvalid",
    "Cancelled",
    "ConfirmationRequired",
    "ConfirmationUnknown",
    "ConnectionInvalid",
    "CredentialsRejected",
    "CustomerIoError",
    "FieldProblem",
    "LedgerUnavailable",
    "Look",
    "NextStep",
    "NotFound",
    "OutcomeUnknown",
    "PermissionDenied",
    "PolicyRefused",
    "Problem",
    "RateLimited",
    "Refused",
    "ReplyUnreadable",
    "RequestRejected",
    "SendInProgress",
    "ServiceFailed",
    "SubtoolDisabled",
    "SubtoolUnknown",
    "TookEffect",
    "ToolClosed",
    "Unreachable",
]


@record(frozen=True)
class FieldProblem:
    """One problem of one field, without its value.

    Args:
        path: The field, such as `segment_id` or `data.items[0]`.
        problem: The rest of a sentence that begins with the path.
        fix: What to do, as an instruction.
    """

    path: str
    problem: str
    fix: str

    def __str__(self) -> str:
        """Return one sentence: ``segment_id is a boolean; send an integer``."""
        return f"{self.path} {self.problem}; {self.fix}"

    def as_json(self, said: str = "") -> dict[str, str]:
        """Return the texts as a JSON object, without the problem if `said` has the sentence."""
        problem = {} if str(self) in said else {"problem": self.problem}
        return {"path": self.path, **problem, "fix": self.fix}


class Problem(ValueError):
    """One problem of a value, raised by its validator; without the value.

    If a validator raises it, pydantic puts it in the `ctx` of a `value_error`.

    Args:
        problem: The rest of a sentence that begins with the path.
        fix: What to do, as an instruction; empty if the field's declaration has one.
        path: The names and indices from the validated value to the wrong one inside it; none if
            the validated value itself is wrong.
    """

    def __init__(self, problem: str, fix: str = "", *path: str | int) -> None:
        super().__init__(f"{problem}; {fix}" if fix else problem)
        self.problem = problem
        self.fix = fix
        self.path = path

    def of(self, field: str) -> FieldProblem:
        """Return this problem as that of a field, which the reader knows by this path."""
        return FieldProblem(field, self.problem, self.fix)


@record(frozen=True)
class Look:
    """The call with which a model sees whether an earlier call took effect.

    `repr` does not show the arguments, which may contain a person's identifier.
    """

    subtool: str
    arguments: Mapping[str, Any] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the call as a JSON object."""
        return {"subtool": self.subtool, "arguments": dict(self.arguments)}


_HAS_TRY = "`try` has the arguments to send."


class CustomerIoError(Exception):
    """A call that did not succeed.

    Args:
        summary: A text for the model: what happened, and what to do.
        next_step: What to do next; by default the `next_step` of the class.
        took_effect: `no`, or `unknown` if Customer.io may have applied the call; by default the
            `took_effect` of the class.
        http_status: The status of the reply, if there was one.
        retry_after_seconds: How long to wait before the same call can succeed.
        fields: The problems of arguments or connection fields.
        look: The call that shows whether this one took effect, or what this one needs.
        corrected: The arguments to send next, where the repair is certain: `try` in the envelope.
        extra: Further members of the envelope, such as `event_id` and `confirmation_id`.
    """

    code: ClassVar[str]
    next_step: NextStep = "give_up"
    took_effect: TookEffect = "no"
    says_problems: ClassVar[bool] = False
    """Whether the summary says the problems of `fields`, which then have only their fixes."""

    def __init__(
        self,
        summary: str,
        *,
        next_step: NextStep | None = None,
        took_effect: TookEffect | None = None,
        http_status: int | None = None,
        retry_after_seconds: float | None = None,
        fields: Sequence[FieldProblem] = (),
        look: Look | None = None,
        corrected: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.next_step = next_step or self.next_step
        self.took_effect = took_effect or self.took_effect
        self.http_status = http_status
        self.retry_after_seconds = retry_after_seconds
        self.fields = tuple(fields)
        self.look = look
        self.corrected = corrected
        self.extra = dict(extra or {})

    def add(self, sentence: str) -> None:
        """Append a sentence to the summary."""
        self.summary = f"{self.summary} {sentence}"
        self.args = (self.summary,)

    def withdraw(self) -> None:
        """Tell no arguments to send next after all: they cannot be shown whole."""
        self.corrected = None
        self.summary = self.summary.replace(f" {_HAS_TRY}", "")
        self.args = (self.summary,)

    def as_result(self) -> dict[str, Any]:
        """Return the failure envelope that a model reads."""
        error: dict[str, Any] = {
            "code": self.code,
            "next_step": self.next_step,
            "took_effect": self.took_effect,
        }
        if self.http_status is not None:
            error["http_status"] = self.http_status
        if self.retry_after_seconds is not None:
            error["retry_after_seconds"] = self.retry_after_seconds
        if self.fields:
            said = self.summary if self.says_problems else ""
            error["fields"] = [problem.as_json(said) for problem in self.fields]
        if self.look is not None:
            error["look"] = self.look.as_json()
        if self.corrected is not None:
            error["try"] = dict(self.corrected)
        return {"ok": False, "summary": self.summary, **self.extra, "error": error}


class ConnectionInvalid(CustomerIoError):
    """The saved connection cannot be used; `fields` names every bad field and shows no value."""

    code = "connection_invalid"
    next_step = "ask_user"


class Refused(CustomerIoError):
    """The call was refused here, before anything was sent."""


class SubtoolUnknown(Refused):
    """There is no subtool of that name."""

    code = "subtool_unknown"
    next_step = "fix_arguments"


class SubtoolDisabled(Refused):
    """The subtool exists, and the builder of this agent did not enable it."""

    code = "subtool_disabled"
    next_step = "give_up"


class ToolClosed(Refused):
    """The tool was closed by the application that made it."""

    code = "tool_closed"
    next_step = "give_up"


class ArgumentsInvalid(Refused):
    """The arguments are invalid; `fields` names each wrong one, its problem and its fix.

    Args:
        summary: See `CustomerIoError`.
        instead: The arguments to change for the call that is certainly meant; None in it means to
            leave one out. The request is built with them for `corrected`.
        details: The other arguments of `CustomerIoError`.
    """

    code = "arguments_invalid"
    next_step = "fix_arguments"
    says_problems = True

    def __init__(
        self, summary: str, *, instead: Mapping[str, Any] | None = None, **details: Any
    ) -> None:
        super().__init__(summary, **details)
        self.instead = instead

    def correct(self, arguments: Mapping[str, Any]) -> None:
        """Tell the arguments to send next."""
        self.corrected = arguments
        self.add(_HAS_TRY)


class LedgerUnavailable(Refused):
    """The ledger of sends cannot be used, so nothing would stop a second sending."""

    code = "ledger_unavailable"
    next_step = "wait"


class PolicyRefused(Refused):
    """The operator of this agent does not allow this call; `fields` names what it may not reach."""

    code = "policy_refused"
    next_step = "give_up"


class ConfirmationRequired(Refused):
    """The call waits for a person; if it has a `confirmation_token`, repeat it: `fix_arguments`.

    The envelope has a `confirmation_id`, which only the host can use, or a `confirmation_token`:
    with it the model repeats the call, and the next step is `fix_arguments`.
    """

    code = "confirmation_required"
    next_step = "ask_user"


class ConfirmationUnknown(Refused):
    """No call waits under this confirmation id: it was decided, expired or never existed."""

    code = "confirmation_unknown"
    next_step = "give_up"


class Answered(CustomerIoError):
    """Customer.io answered, and the answer was no."""


class CredentialsRejected(Answered):
    """401: the Track pair or the App key is wrong, or is of the other region. Also a redirect.

    After a 301, 302 or 303 a write may have been applied all the same.
    """

    code = "credentials_rejected"
    next_step = "ask_user"


class PermissionDenied(Answered):
    """403: the key is valid but may not do this: its scope, a disabled channel or a file type."""

    code = "permission_denied"
    next_step = "ask_user"


class NotFound(Answered):
    """404: nothing has this id."""

    code = "not_found"
    next_step = "fix_arguments"


class RequestRejected(Answered):
    """400, 413, 422 and the like: Customer.io read the request and refused it."""

    code = "request_rejected"
    next_step = "fix_arguments"


class RateLimited(Answered):
    """429: not accepted; the same call may be repeated later."""

    code = "rate_limited"
    next_step = "wait"


class ServiceFailed(Answered):
    """5xx: Customer.io failed. A write may have been applied; repeating it is safe."""

    code = "service_failed"
    next_step = "wait"
    took_effect = "unknown"


class Cancelled(CustomerIoError):
    """The host cancelled the call. Whether it took effect is unknown once an attempt was made."""

    code = "cancelled"


class Unreachable(CustomerIoError):
    """No connection was made, so nothing was sent; or a read got no answer.

    Where waiting does not mend that, as with a certificate, the next step is `ask_user`.
    """

    code = "unreachable"
    next_step = "wait"


class OutcomeUnknown(CustomerIoError):
    """The request was sent and got no usable answer: it may or may not have been applied."""

    code = "outcome_unknown"
    next_step = "look_first"
    took_effect = "unknown"


class SendInProgress(CustomerIoError):
    """The same message is being sent by another call right now; this call sent nothing."""

    code = "send_in_progress"
    next_step = "wait"
    took_effect = "unknown"


class ReplyUnreadable(CustomerIoError):
    """The reply to a read is too large, an error, or not about what was asked for."""

    code = "reply_unreadable"
    next_step = "wait"
