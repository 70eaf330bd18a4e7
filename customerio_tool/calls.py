"""Calls on their way from being asked for to being sent: let pass, confirmed, counted, watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

from customerio_tool.client import Client
from customerio_tool.confirmation import Asked, SecondLook
from customerio_tool.dispatcher import Counted, Dispatcher
from customerio_tool.dry_run import rehearsed
from customerio_tool.errors import PolicyRefused
from customerio_tool.identifiers import ulid
from customerio_tool.invocation import CallContext, Invocation
from customerio_tool.policy import Policy
from customerio_tool.shapes import Item
from customerio_tool.shared import InProcess
from customerio_tool.spec import Subtool
from customerio_tool.telemetry import Watch
from customerio_tool.wire import request_for


class Calls:
    """The calls of one tool.

    Args:
        client: Of the connection that they are for.
        dispatcher: Sends what was let pass, and watches it all.
        process: What the process remembers: the sends of runs, the calls that wait for a person.
        clock: Gives Unix time in seconds.
        entropy: Gives that many random bytes.
    """

    def __init__(
        self,
        client: Client,
        dispatcher: Dispatcher,
        process: InProcess,
        *,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._connection = client.connection
        self._dispatcher = dispatcher
        self._clock = clock
        self._entropy = entropy
        self._approvals = process.approvals
        self._budget = process.budget
        self._second_look = SecondLook(client.connection, clock)

    def run(
        self,
        subtool: Subtool[Any],
        arguments: Mapping[str, Any] | str | bytes | None,
        context: CallContext,
        policy: Policy,
    ) -> Item:
        """Run a subtool as the policy allows, and return the success envelope.

        Raises:
            CustomerIoError: The call was refused, must be confirmed first, or failed.
        """
        at = self._invocation()
        with self._dispatcher.watch(subtool, at, context) as watch:
            policy.admit(subtool)
            token: str | None = None
            if policy.confirm == "repeat" and policy.asks_before(subtool):
                arguments, token = self._second_look.split(arguments)
            asked = Asked(subtool, subtool.parse(arguments), context)
            watch.begin(asked.args)
            policy.admit_arguments(subtool, asked.args)
            if policy.asks_before(subtool):
                self._confirm(asked, at, policy, token)
            return watch.ended_with(self._performed(asked, at, policy, watch))

    def _confirm(self, asked: Asked, at: Invocation, policy: Policy, token: str | None) -> None:
        # Nobody is asked about a call that would be refused for its arguments afterwards.
        request_for(asked.subtool, asked.args, at)
        if policy.confirm == "human":
            self._approvals.ask(asked, at, self._entropy)
        self._second_look.check(asked, token)

    def approve(self, confirmation_id: str, context: CallContext, policy: Policy) -> Item:
        """Run the call that waits under this id, and return its success envelope.

        Args:
            confirmation_id: Names the call.
            context: Of the approval. The call stays one of the run that asked for it; nothing else
                of that run is left, whose host may have given it up meanwhile.
            policy: What is allowed by now.

        Raises:
            ConfirmationUnknown: No call waits.
            CustomerIoError: The policy refuses the call by now, or it failed.
        """
        at = self._invocation()
        waited = self._approvals.take(confirmation_id, at)
        context = replace(context, run_id=waited.context.run_id)
        asked = replace(waited, context=context)
        with self._dispatcher.watch(asked.subtool, at, asked.context) as watch:
            watch.begin(asked.args)
            policy.admit(asked.subtool)
            policy.admit_arguments(asked.subtool, asked.args)
            return watch.ended_with(self._performed(asked, at, policy, watch))

    def decline(self, confirmation_id: str) -> NoReturn:
        """Drop the call that waits under this id.

        Raises:
            ConfirmationUnknown: No call waits.
            PolicyRefused: It was dropped; this is what the model is told of it.
        """
        at = self._invocation()
        asked = self._approvals.take(confirmation_id, at)
        with self._dispatcher.watch(asked.subtool, at, asked.context) as watch:
            watch.begin(asked.args)
            raise PolicyRefused(
                f"Nothing was sent: a person declined this call of {asked.subtool.name}. "
                "Do not ask for it again."
            )

    def _performed(self, asked: Asked, at: Invocation, policy: Policy, watch: Watch) -> Item:
        request = request_for(asked.subtool, asked.args, at)
        if policy.dry_run:
            return rehearsed(asked.subtool, asked.args, at, request, self._connection)
        hidden, counted = frozenset(policy.hidden_attributes), self._counted(asked, policy)
        return self._dispatcher.result(asked, at, request, hidden, watch, counted)

    def _counted(self, asked: Asked, policy: Policy) -> Counted:
        """Return what lets a message go as far as the budget of its run has room."""
        allowed = policy.send_budget
        if allowed is None:
            return lambda send: send()
        workspace, run = self._connection.workspace_key, asked.context.run_id or None
        return lambda send: self._budget.spend(workspace, run, allowed, send)

    def _invocation(self) -> Invocation:
        now = self._clock()
        fresh = ulid(now, self._entropy(10))
        return Invocation(now=now, workspace=self._connection.workspace_key, ulid=fresh)
