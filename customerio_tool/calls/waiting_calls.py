"""Keeps the calls that wait for a person, and shows them to whoever decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from customerio_tool.backends.approvals.waiting import (
    LIFE_SECONDS,
    RANDOM_BYTES,
    Approvals,
    ApprovalsLost,
    Waiting,
)
from customerio_tool.calls.call import Call
from customerio_tool.calls.kept_call import call_of, kept
from customerio_tool.calls.message_keys import fingerprint_of
from customerio_tool.calls.request import request_for
from customerio_tool.calls.sealing import Seal, SealBroken
from customerio_tool.calls.seen import said_of
from customerio_tool.errors import ConfirmationUnknown, CustomerIoError, LedgerUnavailable
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Api, Invocation


@dataclass(frozen=True)
class Question:
    """What a person decides about: a call that waits; `repr` shows nothing of its arguments.

    Args:
        confirmation_id: For `CustomerIoTool.approve` and `decline`.
        subtool: The name of the subtool.
        sentence: What the call will do, and to whom, in plain words for the person.
        arguments: The arguments as they will be used; None if this connection cannot open them.
        asked_at: When the call was asked for, in Unix seconds.
        ends_at: When it stops waiting, in Unix seconds.
        in_doubt: Whether its message may have gone already, so that consent given beforehand
            does not count.
        run_id: The host's id of the run that asked, if it gave one.
        door: The name of the door by which the call came; empty if that is not known.
    """

    confirmation_id: str
    subtool: str
    sentence: str = field(repr=False)
    arguments: Mapping[str, Any] | None = field(repr=False)
    asked_at: float
    ends_at: float
    in_doubt: bool = False
    run_id: str | None = None
    door: str = ""


class WaitingCalls:
    """The calls of one workspace that wait for a person, each for 10 minutes.

    Args:
        approvals: The store.
        seal: Seals them in a store outside the process.
        entropy: Returns the given number of random bytes.
    """

    def __init__(self, approvals: Approvals, seal: Seal, entropy: Callable[[int], bytes]) -> None:
        self._approvals = approvals
        self._seal = seal
        self._entropy = entropy

    @property
    def is_shared(self) -> bool:
        """Whether other processes can decide about the calls."""
        return self._approvals.is_shared

    def keep(self, call: Call[Any]) -> str:
        """Keep a call and return its confirmation id.

        Two calls of one message in doubt are one question, so that two approvals send it once.

        Raises:
            LedgerUnavailable: The store cannot be used.
        """
        asked, at = call.canonical, call.at
        if call.sends_again:
            asked = fingerprint_of(call, request_for(call)).encode()
        api, run = call.subtool.endpoint.api, repr(call.context.run_id or None).encode()
        waiting = Waiting(
            subtool=call.subtool.name,
            content=kept(call),
            key=self._seal.digest(api, b"%b\0%b\0%d" % (asked, run, call.sends_again)),
            run=self._seal.digest(api, run),
            asked_at=float(at.now),  # sealed as text: a store gives whole seconds back as a float
            ends_at=float(at.now + LIFE_SECONDS),
        )
        # The id ends with it, so that a sealed call is bound to its own id.
        random = self._entropy(RANDOM_BYTES)
        sealed = self._sealed(waiting, api, _in_clear(waiting, at.workspace, random.hex()))
        with _store_needed():
            return self._approvals.keep(at.workspace, sealed, at.now, lambda _: random)

    def take(self, confirmation_id: str, at: Invocation) -> Call[Any]:
        """Remove a waiting call of the workspace and return it.

        Raises:
            ConfirmationUnknown: No call waits under this id.
            LedgerUnavailable: The store cannot be used.
        """
        with _store_needed():
            # An id comes from outside and may be unhashable.
            found = self._approvals.find(at.workspace, str(confirmation_id), at.now)
            call = (
                self._opened(str(confirmation_id), found, at) if found else None
            )  # first: what is taken is gone
            is_taken = self._approvals.take(at.workspace, str(confirmation_id), at.now) is not None
        if call is None or not is_taken:
            raise ConfirmationUnknown(
                "No call waits under this confirmation id, so nothing was sent: it was decided "
                f"already, {LIFE_SECONDS // 60} minutes have passed, or very many later calls took "
                "its place. The agent must ask again."
            )
        return call

    def questions(self, at: Invocation) -> list[Question]:
        """Return what waits for a decision, the oldest first.

        Raises:
            LedgerUnavailable: The store cannot be used.
        """
        with _store_needed():
            found = self._approvals.waiting(at.workspace, at.now)
        return [self._question(name, waiting, at) for name, waiting in found.items()]

    def question(self, confirmation_id: str, at: Invocation) -> Question | None:
        """Return the question about one call; None if no call waits under this id.

        Raises:
            LedgerUnavailable: The store cannot be used.
        """
        with _store_needed():
            found = self._approvals.find(at.workspace, str(confirmation_id), at.now)
        return self._question(str(confirmation_id), found, at) if found else None

    def _question(self, confirmation_id: str, waiting: Waiting, at: Invocation) -> Question:
        asked = Question(
            confirmation_id,
            waiting.subtool,
            "",
            None,
            waiting.asked_at,
            waiting.ends_at,
        )
        try:
            call = self._opened(confirmation_id, waiting, at)
        except CustomerIoError as error:  # of other credentials, or of another version's subtool
            return replace(asked, sentence=error.summary)
        return replace(
            asked,
            sentence=plan_of(call),
            arguments=call.arguments(),
            in_doubt=call.sends_again,
            run_id=call.context.run_id,
            door=call.context.door,
        )

    def _sealed(self, waiting: Waiting, api: Api, about: bytes) -> Waiting:
        if not self._approvals.is_shared:
            return waiting
        return replace(waiting, content=self._seal.seal(api, waiting.content, about))

    def _opened(self, confirmation_id: str, waiting: Waiting, at: Invocation) -> Call[Any]:
        """Return the call that was kept.

        Raises:
            ConfirmationUnknown: It was sealed with other credentials, or changed.
        """
        if not self._approvals.is_shared:
            return call_of(waiting.content, at)
        api = find(waiting.subtool).endpoint.api
        about = _in_clear(waiting, at.workspace, confirmation_id.rpartition("-")[2])
        try:
            content = self._seal.open(api, waiting.content, about)
        except SealBroken:
            pass
        else:
            return call_of(content, at)
        raise ConfirmationUnknown(
            "Nothing was sent: the call was asked for with other credentials than these, or was "
            "changed while it waited. Decide it where the agent's own connection is used."
        )


def plan_of(call: Call[Any]) -> str:
    """Return what a call will do, and to whom, in words for a person."""
    subtool = call.subtool
    plan = subtool.plan(call.args) if subtool.plan else f"Run {subtool.name}."
    again = " The same message may have gone already." if call.sends_again else ""
    return f"{plan}{again}{said_of(call.seen)}"


def _in_clear(waiting: Waiting, workspace: str, random: str) -> bytes:
    """Return what a store keeps in clear of a call, so that no other content passes for it.

    Args:
        waiting: The call.
        workspace: The digest of the workspace.
        random: The random part of the confirmation id, so that no other waiting call does either.
    """
    times = f"{waiting.asked_at!r} {waiting.ends_at!r}"
    return "\0".join((workspace, waiting.subtool, waiting.key, times, random)).encode()


@contextmanager
def _store_needed() -> Iterator[None]:
    """Refuse a call whose store of waiting calls cannot be used."""
    try:
        yield
    except ApprovalsLost as lost:
        words = str(lost)
    else:
        return
    raise LedgerUnavailable(
        f"Nothing was sent: the store of calls that wait for a person cannot be used ({words})."
    )
