"""Turns a reply into the payload of a call, or into the error that it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from customerio_tool.calls.call import Call
from customerio_tool.connection.exchange import Reply, json_in, retry_after, text_of
from customerio_tool.errors import (
    Answered,
    CredentialsRejected,
    CustomerIoError,
    NextStep,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    ReplyUnreadable,
    RequestRejected,
    ServiceFailed,
    Unreachable,
)
from customerio_tool.patterns import pattern
from customerio_tool.records import record
from customerio_tool.subtools.declare import Api, Effect, JsonSchema
from customerio_tool.subtools.declare.endpoint import Retry
from customerio_tool.subtools.declare.subject import About
from customerio_tool.subtools.declare.vendor_json import Item, clean_of_text, object_in, objects_in

MAX_SAID_CHARS = 300
"""The most characters of the vendor's error message in `said`."""


def payload_of(call: Call[Any], reply: Reply) -> Item:
    """Return the JSON object of a 2xx reply, its text cleaned.

    A write with a 2xx succeeded, so an empty or unreadable body counts as an empty object. If the
    body is an error, nobody knows what became of the write.

    Raises:
        CustomerIoError: The status is not 2xx; or the body is an error; or the reply to a read
            lacks the expected JSON or is about another object.
    """
    if not 200 <= reply.status < 300:
        raise error_for(call, reply)
    if call.subtool.effect.read_only:
        expected = call.subtool.expected_of(call.args)
        declared = call.subtool.shape.returns.get(expected or "", {})
        return _read_payload(call, reply, _Wanted(expected, declared, call.subtool.about))
    payload = cleaned_json(reply)
    if is_error(payload):
        raise _in_doubt(call, reply, f"Customer.io answered with an error (HTTP {reply.status}).")
    return object_in(payload)


def second_payload_of(call: Call[Any], reply: Reply) -> Item:
    """Return the JSON object of the reply to a second read; raises like `payload_of`."""
    if not 200 <= reply.status < 300:
        raise error_for(call, reply)
    second = call.subtool.second_read
    wanted = _Wanted(second.expects, {}, second.about) if second else _ANY
    return _read_payload(call, reply, wanted)


def verify_payload_of(call: Call[Any], reply: Reply) -> Item:
    """Return the JSON object of the reply to a verifying read; raises like `payload_of`."""
    if not 200 <= reply.status < 300:
        raise error_for(call, reply)
    verify = call.subtool.verify
    wanted = _Wanted(verify.expects, {"type": "array"}, verify.about) if verify else _ANY
    return _read_payload(call, reply, wanted)


@record(frozen=True)
class _Wanted:
    """The member that the reply to a read must have, its schema, and what it must be about."""

    member: str | None
    declared: JsonSchema
    about: About | None


_ANY = _Wanted(None, {}, None)


def _read_payload(call: Call[Any], reply: Reply, wanted: _Wanted) -> Item:
    """Return the JSON object of a read; raise `ReplyUnreadable` if it is not what was wanted."""
    payload, member = cleaned_json(reply), wanted.member
    if is_error(_without_wanted(payload, member)):
        what = "an error"
    elif not isinstance(payload, dict) or (
        member is not None and not (member in payload and _is_a(wanted.declared, payload[member]))
    ):
        what = "something other than the JSON it documents"
    elif wanted.about is not None and not wanted.about(call.args, payload):
        what = "another object than the one that was asked for"
    else:
        return payload
    if not reply.whole:
        raise ReplyUnreadable(
            "Customer.io's answer to this read is too long to be read, and waiting makes it no "
            "shorter. Ask for less, if an argument of this subtool does that; else tell the user.",
            next_step="ask_user",
            http_status=reply.status,
        )
    raise ReplyUnreadable(
        f"Customer.io answered this read with {what}.",
        http_status=reply.status,
        extra=_said(reply),
    )


def _without_wanted(payload: Any, member: str | None) -> Any:
    """Return a reply without the list that was wanted: it may be a list of `errors`."""
    if not isinstance(payload, dict) or not isinstance(payload.get(member or ""), list):
        return payload
    is_of_texts = all(isinstance(each, str) for each in payload[member or ""])
    return {n: v for n, v in payload.items() if n != member} if is_of_texts else payload


def _is_a(declared: JsonSchema, value: Any) -> bool:
    """Whether a value is of the declared type, object or array of objects; null counts as []."""
    if declared.get("type") == "object":
        return isinstance(value, dict)
    if declared.get("type") == "array":
        return value is None or (isinstance(value, list) and objects_in(value) == value)
    return True


def cleaned_json(reply: Reply) -> Any:
    """Return the JSON of a reply's body, its text cleaned; None if the body is not JSON."""
    text = text_of(reply)
    try:
        return clean_of_text(text, json_in(text), mask=reply.mask)
    except RecursionError:
        return None


def error_for(call: Call[Any], reply: Reply) -> CustomerIoError:
    """Return the error for a reply whose status is not 2xx."""
    if reply.is_redirect:
        return _redirected(call, reply)
    extra = {**call.facts(), **_said(reply)}
    if reply.may_have_acted:
        return _server_failure(call, reply, extra)
    error, sentence = _REFUSALS.get(reply.status, _REJECTED)
    if error is NotFound:
        sentence, advice, next_step = _not_found(call)
    else:
        advice, next_step = _status_hint(call, error, reply.status, "said" in extra), None
    hints = (advice, _refused_hint(call, reply.status))
    return error(
        " ".join(filter(None, (f"{sentence} (HTTP {reply.status}).", *hints))),
        next_step=next_step,
        http_status=reply.status,
        retry_after_seconds=_retry_seconds(call, reply) if error is RateLimited else None,
        extra=extra,
    )


_REFUSALS: Mapping[int, tuple[type[Answered], str]] = {
    HTTPStatus.UNAUTHORIZED: (CredentialsRejected, "Customer.io rejected the credentials"),
    HTTPStatus.FORBIDDEN: (PermissionDenied, "The credentials may not do this"),
    HTTPStatus.NOT_FOUND: (NotFound, "Customer.io knows nothing by this id"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (RequestRejected, "Customer.io refused this as too large"),
    HTTPStatus.TOO_MANY_REQUESTS: (RateLimited, "Too many requests, so this one was not accepted"),
}
_REJECTED = (RequestRejected, "Customer.io refused the request")
_FORBIDDEN = (
    "Tell the user: the key's scope or its list of IP addresses is too narrow, or the workspace "
    "lacks the channel."
)
_MAY_NOT_SEND = (
    "Or nothing may be sent yet: the account is not approved for sending, its owner's e-mail "
    "address is not confirmed, or the workspace is set to Do Not Send."
)
"""https://docs.customer.io/journeys/transactional-api-common-api-errors/"""

_NO_ID = "Customer.io has nothing where this call asked"
_NO_REPAIR = "Tell the user: the call names no id, so that other arguments would not mend that."
_ASK = "Ask the user"
_ASK_ID = f"{_ASK} whether the id is right."
_NOT_CREATE = "Do not create what was not found, unless the user asked for that."

_CREDENTIALS = {
    Api.TRACK: "Tell the user to check site_id, track_api_key and region of the connection.",
    Api.APP: "Tell the user to check app_api_key and region of the connection, and whether the key "
    "is limited to other IP addresses.",
}


def _not_found(call: Call[Any]) -> tuple[str, str, NextStep | None]:
    """Return what a 404 says, what to do, and the next step that is none but the advice.

    A target that is not found is asked about: else something else would be erased.
    """
    subtool, (_, sentence) = call.subtool, _REFUSALS[HTTPStatus.NOT_FOUND]
    if not any(value is not None and name.endswith(_IDS) for name, value in call.args):
        return _NO_ID, _NO_REPAIR, "ask_user"
    hint = subtool.advice_of(call.args, call.at.lookups) or _ASK_ID
    asks = subtool.effect is Effect.ERASE or hint.startswith(_ASK)
    advice = f"{hint} {_NOT_CREATE}" if subtool.effect.read_only else hint
    return sentence, advice, "ask_user" if asks else None


_IDS = ("_id", "_ids", "emails", "recipient")
"""Ends of the names of arguments by which something is looked up."""


def _status_hint(call: Call[Any], error: type[Answered], status: int, has_words: bool) -> str:
    """Return what to do about a refusal; `has_words` tells whether `said` has the reason."""
    subtool = call.subtool
    if error is CredentialsRejected:
        return _CREDENTIALS[subtool.endpoint.api]
    if error is RateLimited:
        return "Wait `retry_after_seconds`, then repeat it."
    if error is PermissionDenied:
        return f"{_FORBIDDEN} {_MAY_NOT_SEND}" if subtool.effect is Effect.SEND else _FORBIDDEN
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return "Send less in one call; if nothing can be left out, tell the user."
    found = subtool.advice_of(call.args, call.at.lookups)
    hint = f" If it refused the id: {found[0].lower()}{found[1:]}" if found else ""
    return f"{_REASON if has_words else _NO_REASON}{hint}"


_REASON = "Its words are in `said`: change what they name."
_NO_REASON = "It gave no reason: check each argument, and ask the user if all are right."


def _refused_hint(call: Call[Any], status: int) -> str:
    hint = call.subtool.refused_hint
    return hint(call.args, status) if hint else ""


def _retry_seconds(call: Call[Any], reply: Reply) -> float:
    """Return the seconds of `Retry-After`, else one period: the vendor documents no such header."""
    asked = retry_after(reply, call.at.now)
    return float(call.subtool.pace.period_seconds) if asked is None else asked


def _redirected(call: Call[Any], reply: Reply) -> CustomerIoError:
    """Return the error for a 3xx; see `Reply.may_have_acted` for which may follow a write."""
    subtool = call.subtool
    problem = (
        "Customer.io answered with a redirect, as it does where the region of a connection is "
        f"wrong (HTTP {reply.status}). {_CREDENTIALS[subtool.endpoint.api]}"
    )
    in_doubt = reply.may_have_acted and not subtool.effect.read_only
    if in_doubt and subtool.effect.retry is not Retry.ALWAYS:
        return _in_doubt(call, reply, problem)
    repeat = " It may have happened; repeating the same call is safe." if in_doubt else ""
    return CredentialsRejected(
        problem + repeat,
        took_effect="unknown" if in_doubt else "no",
        http_status=reply.status,
        extra={**call.facts(), **_said(reply)},
    )


def _in_doubt(call: Call[Any], reply: Reply, problem: str) -> CustomerIoError:
    """Return the error of a write that was answered with neither a yes nor a no."""
    error = outcome_unknown(call, problem, http_status=reply.status)
    error.extra |= _said(reply)
    if error.look is None:
        error.next_step = "ask_user"  # to wait would not change the answer
    return error


def _server_failure(call: Call[Any], reply: Reply, extra: Mapping[str, Any]) -> CustomerIoError:
    effect = call.subtool.effect
    if effect.retry is not Retry.ALWAYS:
        problem = f"Customer.io failed while handling this call (HTTP {reply.status})."
        unknown = outcome_unknown(call, problem, http_status=reply.status)
        unknown.extra |= extra
        return unknown
    safe = "Nothing was changed: repeat it later." if effect.read_only else _SAFE
    return ServiceFailed(
        f"Customer.io failed (HTTP {reply.status}). {safe}",
        took_effect="no" if effect.read_only else "unknown",
        http_status=reply.status,
        retry_after_seconds=retry_after(reply, call.at.now),
        extra=extra,
    )


_SAFE = "It may have happened; repeat the same call later: that is safe."


def outcome_unknown(
    call: Call[Any], problem: str, *, http_status: int | None = None
) -> CustomerIoError:
    """Return the error of a call that was sent and got no usable answer."""
    if call.subtool.effect.read_only:
        return Unreachable(f"{problem} Nothing was changed.", http_status=http_status)
    look = call.look()
    advice = (
        "It may have happened: make the call in `look` first, and do not repeat this one without "
        "asking the user."
        if look
        else "It may have happened; repeating the same call is safe."
    )
    return OutcomeUnknown(
        f"{problem} {advice}",
        next_step="look_first" if look else "wait",
        http_status=http_status,
        look=look,
        extra=call.facts(),
    )


def _said(reply: Reply) -> dict[str, Any]:
    words = vendor_words(cleaned_json(reply))
    return {"said": words, "untrusted": True} if words else {}


def is_error(body: Any) -> bool:
    """Return whether JSON is an error envelope, whatever status it came with.

    A member such as `errors` that is empty, null, false or 0 says that there is none.
    """
    if not body:
        return False
    if isinstance(body, list):
        return any(is_error(item) for item in objects_in(body))
    top = _folded(body)
    holders = (top, _folded(top["meta"])) if "meta" in top else (top,)
    said = [value for each in holders for name, value in each.items() if _names_an_error(name)]
    if any(map(_says_something, said)):
        return True
    is_denied = any(str(top[name]).lower() == "false" for name in top.keys() & _SUCCESS)
    statuses = top.keys() & _STATUS
    return is_denied or any(_FAILED_STATUS.fullmatch(str(top[name])) for name in statuses)


_SUCCESS = frozenset(("ok", "success"))
_STATUS = frozenset(("status", "code", "statuscode", "status_code", "result", "outcome"))
_FAILED_STATUS = pattern(r"error|fail|failed|failure|rejected|[45][0-9]{2}( .*)?", re.IGNORECASE)


def _names_an_error(name: str) -> bool:
    return name.startswith(("error", "fail", "fault", "exception"))


def _says_something(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_says_something, value.values()))
    if isinstance(value, list):
        return any(map(_says_something, value))
    return bool(value.strip() if isinstance(value, str) else value)


def _folded(value: Any) -> Item:
    """Return an object with its names in lower case; an empty one for any other value."""
    return {name.lower(): member for name, member in object_in(value).items()}


def vendor_words(body: Any) -> str:
    """Return the messages of a cleaned error body, at most 300 characters; empty if none.

    They are in `meta.error`, `meta.errors[]`, `errors[].detail` with `source.pointer` (App API) or
    `errors[].reason` with `field` and `message` (Track API v2). A proxy may put them into `error`,
    `message` or `detail`.
    """
    top = {"errors": body} if isinstance(body, list) else _folded(body)
    meta = _folded(top.get("meta"))
    found = [text for each in (meta, top) for text in _texts_of(each)] or [_error_text(top)]
    words = "; ".join(text for text in found if isinstance(text, str) and text.strip())
    return " ".join(words.split())[:MAX_SAID_CHARS]


def _texts_of(holder: Item) -> list[str]:
    """Return the texts of the members `error`, `errors` and the like."""
    errors = holder.get("errors")
    if isinstance(errors, dict):  # the problems of each field, by its name
        errors = [
            {"field": name, "message": each}
            for name, problems in errors.items()
            for each in (problems if isinstance(problems, list) else [problems])
        ]
    like = [holder[name] for name in holder if _names_an_error(name) and name != "errors"]
    lists = [each if isinstance(each, list) else [each] for each in (*like, errors)]
    found = [each for texts in lists for each in texts]
    return [text for text in map(_error_text, found) if isinstance(text, str) and text.strip()]


def _error_text(error: Any) -> Any:
    if not isinstance(error, dict):
        return error
    source = error.get("source")
    where = source.get("pointer") if isinstance(source, dict) else error.get("field")
    names = ("detail", "message", "reason", "error", "title")
    what = next((error[name] for name in names if error.get(name)), None)
    is_located = isinstance(what, str) and isinstance(where, str) and where
    return f"{what} (at {where})" if is_located else what
