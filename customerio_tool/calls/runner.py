"""Runs a call: policy, confirmation, ledger, budget, attempts, with telemetry around all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from customerio_tool.backends import Backends
from customerio_tool.backends.pacing.pacer import Pacer
from customerio_tool.backends.telemetry.events import CallStart, Decision
from customerio_tool.calls.budget import SendBudget
from customerio_tool.calls.call import Call, CallContext
from customerio_tool.calls.envelope import Outlet
from customerio_tool.calls.recovery import Recovery, seconds_for
from customerio_tool.calls.request import request_for
from customerio_tool.calls.retry import Bounds, Retrier
from customerio_tool.calls.watch import Watch, Watchers
from customerio_tool.connection.client import Client
from customerio_tool.deadline import Clock
from customerio_tool.errors import Cancelled, CustomerIoError, Look, PolicyRefused
from customerio_tool.policy import Policy
from customerio_tool.policy.barred import lookups_of
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Answer, Effect, Invocation, Subtool
from customerio_tool.subtools.declare.identifiers import ulid
from customerio_tool.subtools.declare.privacy import NO_PEOPLE
from customerio_tool.subtools.declare.vendor_json import Item

if TYPE_CHECKING:
    from customerio_tool.calls.confirmation import RepeatTokens
    from customerio_tool.calls.persons import PersonConfirmation
    from customerio_tool.calls.record_once import RecordOnce
    from customerio_tool.calls.send_once import SendOnce
    from customerio_tool.calls.target import TargetReader
    from customerio_tool.calls.waiting_calls import Question, WaitingCalls


class Runner:
    """Runs the calls of one tool.

    The parts that only some calls need are imported and made by the call that needs them: they keep
    nothing themselves.

    Args:
        client: Sends one request once.
        backends: Limits, ledger and telemetry.
        clock: Time and random bytes.
    """

    def __init__(self, client: Client, backends: Backends, clock: Clock) -> None:
        self._connection = client.connection
        self._workspace = client.workspace_key
        self._outlet = Outlet(client.mask)
        self._clock = clock
        self._budget = SendBudget(backends, clock.now)
        self._backends = backends
        pacer = Pacer(backends.limiter, clock)
        self._retrier = Retrier(client, pacer, backends.quota, clock)
        self._reads = backends.reads
        self._watchers = Watchers(backends.telemetry)
        self._hash_key = client.connection.digest.encode()

    @property
    def _waiting(self) -> WaitingCalls:
        from customerio_tool.calls.sealing import Seal
        from customerio_tool.calls.waiting_calls import WaitingCalls

        return WaitingCalls(self._backends.approvals, Seal(self._connection), self._clock.entropy)

    @property
    def _persons(self) -> PersonConfirmation:
        from customerio_tool.calls.persons import PersonConfirmation

        return PersonConfirmation(self._waiting)

    @property
    def _tokens(self) -> RepeatTokens:
        from customerio_tool.calls.confirmation import RepeatTokens

        return RepeatTokens(self._connection, self._clock, self._backends)

    @property
    def _send_once(self) -> SendOnce:
        from customerio_tool.calls.send_once import SendOnce

        kept = self._backends
        return SendOnce(kept.ledger, self._persons, self._clock.now, best_effort=kept.best_effort)

    @property
    def _record_once(self) -> RecordOnce:
        from customerio_tool.calls.record_once import RecordOnce

        return RecordOnce(self._backends.ledger, self._backends.spare, self._clock.now)

    @property
    def _targets(self) -> TargetReader:
        from customerio_tool.calls.target import TargetReader

        return TargetReader(self._retrier, self._connection.apis)

    def run(
        self,
        subtool: Subtool[Any],
        arguments: Mapping[str, Any] | str | bytes | None,
        context: CallContext,
        policy: Policy,
    ) -> Item:
        """Run a subtool under a policy, and return the success envelope.

        Raises:
            CustomerIoError: The call was refused, needs confirmation first, or failed.
        """
        at = self._invocation(policy)
        reads = subtool.effect.read_only
        with self._outlet.errors(of_read=reads), self._watch(subtool, at, context) as watch:
            policy.admit(subtool)
            token: str | None = None
            if policy.confirm_for(subtool) == "repeat":
                arguments, token = self._tokens.split(arguments)
            call = Call(subtool, subtool.parse(arguments, at.lookups), at, context)
            watch.begin(call)
            policy.admit_arguments(subtool, call.args)
            call = self._with_target(self._judged(call, policy), policy, watch)
            if _must_ask(call, policy):
                self._confirm(call, policy, token)
            return watch.succeeded_with(self._told(call, policy, watch))

    def _judged(self, call: Call[Any], policy: Policy) -> Call[Any]:
        """Return the call with whether the budget of its run is spent."""
        if policy.dry_run:
            return call
        is_spent = self._budget.is_spent(call, policy.send_budget)
        return replace(call, is_spent=True) if is_spent else call

    def _confirm(self, call: Call[Any], policy: Policy, token: str | None) -> None:
        request_for(call)  # raises now if the arguments make no request, before anybody is asked
        if policy.confirm_for(call.subtool) == "human":
            self._persons.ask(call)
        self._tokens.check(call, token)

    def approve(self, confirmation_id: str, context: CallContext, policy: Policy) -> Item:
        """Run the call that waits under this id, and return its success envelope.

        Args:
            confirmation_id: The id of the waiting call.
            context: The context of the approval. It replaces that of the waiting call, whose
                deadline and cancellation are over; only `run_id` is kept.
            policy: The policy now; it may have changed since the call was made.

        Raises:
            ConfirmationUnknown: No call waits under this id.
            CustomerIoError: The policy refuses the call now, or the call failed.
        """
        at = self._invocation(policy)
        waited = self._waiting.take(confirmation_id, at)
        context = replace(context, run_id=waited.context.run_id)
        call = replace(waited, context=context, seen=None)
        with self._outlet.errors(), self._watch(call.subtool, at, context, "approved") as watch:
            watch.begin(call)
            policy.admit(call.subtool)
            policy.admit_arguments(call.subtool, call.args)
            call = self._with_target(self._judged(call, policy), policy, watch)
            if call.seen and call.seen.is_another_than(waited.seen):
                self._persons.ask(call)  # the person agreed to something else
            return watch.succeeded_with(self._told(call, policy, watch))

    @property
    def shares_approvals(self) -> bool:
        """Whether other processes can decide about the calls that wait."""
        return self._waiting.is_shared

    def questions(self) -> list[Question]:
        """Return what waits for a person in the workspace; see `WaitingCalls.questions`."""
        return self._waiting.questions(self._invocation())

    def question(self, confirmation_id: str) -> Question | None:
        """Return what a person decides about a call; see `WaitingCalls.question`."""
        return self._waiting.question(confirmation_id, self._invocation())

    def decline(self, confirmation_id: str, context: CallContext) -> NoReturn:
        """Drop the call that waits under this id.

        Args:
            confirmation_id: The id of the waiting call.
            context: The context of the refusal; only its `door` counts.

        Raises:
            ConfirmationUnknown: No call waits under this id.
            PolicyRefused: The call was dropped; its envelope is the result for the model.
        """
        at = self._invocation()
        call = self._waiting.take(confirmation_id, at)
        context = replace(call.context, door=context.door)
        with self._watch(call.subtool, at, context, "declined") as watch:
            watch.begin(call)
            raise PolicyRefused(
                f"Nothing was sent: a person declined this call of {call.subtool.name}. "
                "Do not ask for it again."
            )

    def _told(self, call: Call[Any], policy: Policy, watch: Watch) -> Item:
        """Return the result, which says how arguments in other words were read."""
        result, reading = self._result(call, policy, watch), call.args.reading
        if reading:
            result = {**result, "summary": f"{result['summary']} {reading}"}
        return self._outlet.result(result)

    def _result(self, call: Call[Any], policy: Policy, watch: Watch) -> Item:
        if policy.dry_run:
            from customerio_tool.calls.dry_run import dry_run_result

            return dry_run_result(call, request_for(call), self._connection)
        if call.subtool.effect is Effect.RECORD:
            return self._record_once.run(call, lambda event: self._answered(event, policy, watch))
        return self._answered(call, policy, watch)

    def _with_target(self, call: Call[Any], policy: Policy, watch: Watch) -> Call[Any]:
        """Return the call with what it may erase or merge, read in half of the time at most."""
        if not policy.looks_first(call.subtool):
            return call
        request_for(call)  # raises now if the arguments make no request, before anything is read
        bounds = self._bounds(call, watch, _seconds_left(call, watch) / 2, brief=True)
        return replace(call, seen=self._targets.seen(call, policy, bounds))

    def _bounds(
        self, call: Call[Any], watch: Watch, seconds: float, *, brief: bool = False
    ) -> Bounds:
        cancelled = call.context.is_cancelled if call.context.cancelled else None
        deadline = self._clock.deadline(seconds, cancelled)
        return Bounds(deadline, call.context, watch.attempted, self._clock.sleep, brief)

    def _answered(self, call: Call[Any], policy: Policy, watch: Watch) -> Item:
        seconds = _seconds_left(call, watch)
        ends_at = self._clock.now() + seconds
        bounds = self._bounds(call, watch, seconds)
        recovery = Recovery(self._retrier, call, bounds, frozenset(policy.hidden_attributes))
        if _is_the_same_for_all(call.subtool):
            return call.subtool.result(self._shared_answer(call, policy, recovery, bounds))
        request = request_for(call)

        def send() -> Item:
            try:
                return call.with_target(call.subtool.result(recovery.answer(request)))
            finally:
                if not call.subtool.effect.read_only:
                    self._reads.forget(call.at.workspace)

        if call.subtool.effect is not Effect.SEND:
            return send()
        standby = bounds.standby
        counted = self._budget.within(call, policy.send_budget, send, standby)
        read = partial(self._read, call, bounds, policy)
        wait = partial(recovery.wait_for_slot, request)
        return self._send_once.run(
            call, request, counted, wait=wait, ends_at=ends_at, read=read, standby=standby
        )

    def _shared_answer(
        self, call: Call[Any], policy: Policy, recovery: Recovery, bounds: Bounds
    ) -> Answer[Any]:
        """Return the answer of a read, perhaps another call's.

        That call had the same credentials, hosts and hidden attributes, as each of them may change
        what the answer is.
        """
        answer = self._reads.read(
            call.at.workspace,
            (self._hash_key, policy.hidden_attributes, call.canonical),
            partial(recovery.answer, request_for(call)),
            bounds.deadline,
            self._clock.monotonic,
        )
        return replace(answer, args=call.args, invocation=call.at)

    def _read(self, call: Call[Any], bounds: Bounds, policy: Policy, look: Look) -> Item | None:
        """Make a read within the bounds of a call, and return the reply; None if it failed."""
        subtool, hidden = find(look.subtool), frozenset(policy.hidden_attributes)
        try:
            reading = Call(subtool, subtool.parse(look.arguments), call.at, call.context)
            answer = Recovery(self._retrier, reading, bounds, hidden).answer(request_for(reading))
        except Cancelled:
            raise
        except CustomerIoError:
            return None
        return answer.payload

    def _watch(
        self,
        subtool: Subtool[Any],
        at: Invocation,
        context: CallContext,
        decision: Decision | None = None,
    ) -> Watch:
        start = CallStart(
            call_id=at.ulid,
            subtool=subtool.name,
            effect=subtool.effect.word,
            api=subtool.endpoint.api.value,
            started_at=at.now,
            run_id=context.run_id,
            door=context.door,
            decision=decision,
        )
        return Watch(self._watchers, start, self._hash_key, self._clock.monotonic)

    def _invocation(self, policy: Policy | None = None) -> Invocation:
        now = self._clock.now()
        fresh = ulid(now, self._clock.entropy(10))
        offered = lookups_of(policy) if policy else ()
        return Invocation(now=now, workspace=self._workspace, ulid=fresh, lookups=offered)


def _is_the_same_for_all(subtool: Subtool[Any]) -> bool:
    """Whether a call reads the workspace and no person, so that others may be given the answer."""
    return subtool.effect.read_only and subtool.people == NO_PEOPLE


def _seconds_left(call: Call[Any], watch: Watch) -> float:
    """Return what is left of the deadline: reading arguments and target took some of it."""
    return max(0.0, seconds_for(call) - watch.seconds())


def _must_ask(call: Call[Any], policy: Policy) -> bool:
    """Whether a call must be confirmed: it erases or sends, or what was read is at risk."""
    if call.is_spent:
        return False
    if policy.requires_confirmation(call.subtool):
        return True
    return policy.may_require_confirmation(call.subtool) and call.seen is not None
