"""`CustomerIoTool`: the 24 subtools on one connection, through one session."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, cast

from customerio_tool.arguments import nearest
from customerio_tool.budget import SendBudget
from customerio_tool.client import Client
from customerio_tool.confirmation import Approvals, Asked, SecondLook, with_confirmation
from customerio_tool.connection import Connection
from customerio_tool.connection_test import check_connection
from customerio_tool.deadline import Deadline, Timeouts
from customerio_tool.dispatch import CALL_SECONDS
from customerio_tool.dispatcher import Dispatcher
from customerio_tool.dry_run import rehearsed
from customerio_tool.errors import (
    ConnectionInvalid,
    CustomerIoError,
    FieldProblem,
    PolicyRefused,
    SubtoolUnknown,
)
from customerio_tool.identifiers import ulid
from customerio_tool.invocation import CallContext, Invocation
from customerio_tool.ledger import Ledger
from customerio_tool.policy import Policy
from customerio_tool.replay import Pacing
from customerio_tool.secret import Secret
from customerio_tool.spec import Effect, Subtool
from customerio_tool.subtools import subtools
from customerio_tool.telemetry import Telemetry
from customerio_tool.wire import Request, request_for

if TYPE_CHECKING:
    import requests

    from customerio_tool.sandbox import Sandbox


@dataclass(frozen=True)
class Handler:
    """One subtool bound to a tool: call it with its arguments, get the result envelope."""

    tool: CustomerIoTool
    subtool: Subtool[Any]

    def __call__(
        self,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        *,
        context: CallContext | None = None,
    ) -> dict[str, Any]:
        """Run the subtool as `CustomerIoTool.call` does."""
        return self.tool.call(self.subtool.name, arguments, context=context)


class CustomerIoTool:
    """The tool "Customer.io": its subtools, what they take, and the calls.

    Args:
        connection: A `Connection`, or the saved configuration that one is loaded from; its member
            `policy`, if there is one, is given to `Policy.load`.
        policy: What the agent may do, or what `Policy.load` takes; by default every subtool is
            enabled, and nothing is asked first.
        session: A `requests` session to share between tools; nothing of the connection is stored
            on it. By default the tool makes one and closes it.
        pacer: Waits for slots in the vendor's rate classes; by default one of its own, or shared
            through the Redis that `CUSTOMERIO_REDIS_URL` names.
        ledger: Remembers sends, so that none happens twice; by default one in memory, in the file
            `CUSTOMERIO_LEDGER_FILE`, or in that Redis.
        best_effort: Whether to send although the ledger is lost; by default that is refused.
        telemetry: Who is told of calls; by default one line per call on the logger
            `customerio_tool`.
        timeouts: How long one attempt may wait for a connection and for an answer.
        clock: Gives Unix time in seconds.
        monotonic: Gives seconds for deadlines.
        sleep: Waits that many seconds.
        entropy: Gives that many random bytes.

    Raises:
        ConnectionInvalid: The saved configuration cannot be used, or a policy is given twice.
    """

    def __init__(
        self,
        connection: Connection | Mapping[str, Any],
        *,
        policy: Policy | Mapping[str, object] | str | None = None,
        session: requests.Session | None = None,
        pacer: Pacing | None = None,
        ledger: Ledger | None = None,
        best_effort: bool = False,
        telemetry: Sequence[Telemetry] | None = None,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        sealed = Secret(connection)
        del connection
        loaded, self._policy = _loaded(sealed, policy)
        self._client = Client(loaded, session=session, timeouts=timeouts)
        self._approvals = Approvals(clock, entropy)
        self._second_look = SecondLook(loaded, clock)
        self._budget = SendBudget()
        self._dispatcher = Dispatcher(
            self._client,
            pacer=pacer,
            ledger=ledger,
            best_effort=best_effort,
            telemetry=telemetry,
            clock=clock,
            monotonic=monotonic,
            sleep=sleep,
        )
        self.local: Sandbox | None = None
        self._clock = clock
        self._monotonic = monotonic
        self._entropy = entropy
        self._lock = threading.Lock()
        self._known = subtools()
        self.handlers: Mapping[str, Handler] = MappingProxyType(
            {name: Handler(self, subtool) for name, subtool in self._known.items()}
        )

    @classmethod
    def sandbox(cls, *, seed: bool | Mapping[str, Any] = True, **arguments: Any) -> CustomerIoTool:
        """Return a tool on a local Customer.io of its own, which lives as long as the tool.

        The sandbox is at `local`, where its state, faults and clock are.

        Args:
            seed: Start with the demo workspace, with an empty one, or with this seed.
            arguments: What `CustomerIoTool` takes beside the connection.

        Raises:
            ValueError: The seed makes no sense.
        """
        from customerio_tool.sandbox import Sandbox

        local = Sandbox(seed=seed).start()
        try:
            tool = cls(local.connection(), **{"clock": local.clock.now, **arguments})
        except BaseException:
            local.close()
            raise
        tool.local = local
        return tool

    def __enter__(self) -> CustomerIoTool:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the tool."""
        self.close()

    def close(self) -> None:
        """Close the tool's own session and its sandbox; a shared session stays open."""
        self._client.close()
        if self.local is not None:
            self.local.close()

    def subtools(self) -> list[str]:
        """Return the names of the subtools that may run: enabled, and reads if only they may."""
        policy = self._policy
        return [name for name, subtool in self._known.items() if policy.allows(subtool)]

    def enable(self, *names: str) -> None:
        """Enable subtools beside those that are; a read-only policy still lets only reads run.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        self._set_enabled(lambda enabled: enabled | self._checked(names))

    def disable(self, *names: str) -> None:
        """Disable subtools; a disabled one is neither listed nor run.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        self._set_enabled(lambda enabled: enabled - self._checked(names))

    def only(self, *names: str) -> None:
        """Enable exactly these subtools.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        self._set_enabled(lambda _: self._checked(names))

    def _set_enabled(self, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        with self._lock:
            enabled = self._policy.enabled
            now = frozenset(self._known) if enabled is None else enabled
            self._policy = self._policy.only(change(now))

    def _checked(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(self._subtool(name).name for name in names)

    def definition(self, name: str) -> dict[str, Any]:
        """Return what a model or host needs to know of one subtool.

        The members are those of an MCP tool, in snake_case: name, title, description,
        input_schema, output_schema and annotations. Where the policy has calls confirmed, the
        schemas say how.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        subtool, policy = self._subtool(name), self._policy
        definition = subtool.definition()
        if policy.asks_before(subtool):
            return with_confirmation(definition, policy.confirm)
        return definition

    def definitions(self, only: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Return the definitions of the enabled subtools, or of those among them that are named.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        wanted = None if only is None else self._checked(only)
        names = [name for name in self.subtools() if wanted is None or name in wanted]
        return [self.definition(name) for name in names]

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        *,
        context: CallContext | None = None,
    ) -> dict[str, Any]:
        """Run a subtool and return its result envelope, for a failure as for a success.

        Args:
            name: The subtool.
            arguments: A mapping, or the text of a JSON object.
            context: What the host knows about the call.
        """
        try:
            return self.run(name, arguments, context=context)
        except CustomerIoError as error:
            return error.as_result()

    def run(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        *,
        context: CallContext | None = None,
    ) -> dict[str, Any]:
        """Run a subtool and return its success envelope.

        Raises:
            CustomerIoError: The call failed; see `customerio_tool.errors` for the ways.
        """
        subtool, policy = self._subtool(name), self._policy
        policy.admit(subtool)
        token: str | None = None
        if policy.confirm == "repeat" and policy.asks_before(subtool):
            arguments, token = self._second_look.split(arguments)
        asked = Asked(subtool, subtool.parse(arguments), context or CallContext())
        policy.admit_arguments(subtool, asked.args)
        if policy.asks_before(subtool):
            self._confirm(asked, policy, token)
        return self._perform(asked, policy)

    def _confirm(self, asked: Asked, policy: Policy, token: str | None) -> None:
        # Nobody is asked about a call that would be refused for its arguments afterwards.
        request_for(asked.subtool, asked.args, self._invocation())
        if policy.confirm == "human":
            self._approvals.ask(asked)
        self._second_look.check(asked, token)

    def approve(self, confirmation_id: str) -> dict[str, Any]:
        """Run the call that waits under a confirmation id, with the arguments it was asked with.

        This is for the host, after a person agreed; it must not be within reach of the model. A
        call waits 10 minutes, in the memory of this tool, and can be approved once. What the
        policy refuses by now stays refused.

        Returns:
            The result envelope of the call, for the model; `confirmation_unknown` where no call
            waits.
        """
        try:
            asked, policy = self._approvals.take(confirmation_id), self._policy
            policy.admit(asked.subtool)
            policy.admit_arguments(asked.subtool, asked.args)
            return self._perform(asked, policy)
        except CustomerIoError as error:
            return error.as_result()

    def decline(self, confirmation_id: str) -> dict[str, Any]:
        """Drop the call that waits under a confirmation id.

        Returns:
            The result envelope of the call, for the model: `policy_refused`, or
            `confirmation_unknown` where no call waits.
        """
        try:
            name = self._approvals.take(confirmation_id).subtool.name
        except CustomerIoError as error:
            return error.as_result()
        return PolicyRefused(
            f"Nothing was sent: a person declined this call of {name}. Do not ask for it again."
        ).as_result()

    def _perform(self, asked: Asked, policy: Policy) -> dict[str, Any]:
        subtool, args = asked.subtool, asked.args
        at = self._invocation()
        request = request_for(subtool, args, at)
        if policy.dry_run:
            return rehearsed(subtool, args, at, request, self._client.connection)
        if subtool.effect is not Effect.SEND or policy.send_budget is None:
            return self._dispatched(asked, policy, at, request)
        return self._budget.spend(
            asked.context.run_id,
            policy.send_budget,
            lambda: self._dispatched(asked, policy, at, request),
        )

    def _dispatched(
        self, asked: Asked, policy: Policy, at: Invocation, request: Request
    ) -> dict[str, Any]:
        return self._dispatcher.result(asked, at, request, policy.hidden_attributes)

    def _invocation(self) -> Invocation:
        now = self._clock()
        workspace = self._client.connection.workspace_key
        return Invocation(now=now, workspace=workspace, ulid=ulid(now, self._entropy(10)))

    def _subtool(self, name: str) -> Subtool[Any]:
        try:
            return self._known[name]
        except (KeyError, TypeError):  # a name that is no text may have no hash
            pass
        raise SubtoolUnknown(
            f"There is no such subtool; {nearest(str(name), self._known)} Nothing was sent."
        )

    def test_connection(self) -> dict[str, Any]:
        """Check both keys with two reads and say which is wrong and which workspace answered.

        Returns:
            A result envelope. Beside it, for each API of the connection, `track` and `app`:
            `{"ok", "problem"?}`; `region` and `workspace_id`, where Customer.io told them.
        """
        return check_connection(self._client, Deadline(CALL_SECONDS, self._monotonic))


def _loaded(
    sealed: Secret[Any], policy: Policy | Mapping[str, object] | str | None
) -> tuple[Connection, Policy]:
    """Return the connection, and the policy that was given with it or beside it."""
    own = sealed.reveal().get("policy") if isinstance(sealed.reveal(), Mapping) else None
    if own is not None and policy is not None:
        twice = FieldProblem("policy", "is given twice", "leave it out of one of the two places")
        raise ConnectionInvalid(f"The policy cannot be used. {twice}.", fields=[twice])
    chosen = own if policy is None else policy
    return _connection_of(sealed), Policy() if chosen is None else Policy.load(chosen)


def _connection_of(sealed: Secret[Any]) -> Connection:
    if isinstance(sealed.reveal(), Connection):
        return cast("Connection", sealed.reveal())
    if not isinstance(sealed.reveal(), Mapping):
        return Connection.load(sealed.reveal())
    return Connection.load({k: v for k, v in sealed.reveal().items() if k != "policy"})
