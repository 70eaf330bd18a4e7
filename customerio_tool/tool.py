"""`CustomerIoTool`: all subtools on one connection, the entry point of the package."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from customerio_tool.calls import hints
from customerio_tool.calls.asynchronous import Asynchronous
from customerio_tool.calls.handler import Handler
from customerio_tool.calls.listing import Listing
from customerio_tool.calls.methods import SubtoolMethods
from customerio_tool.definitions import names
from customerio_tool.secret import Environment, Secret
from customerio_tool.subtools import find

if TYPE_CHECKING:
    from customerio_tool.backends import Backends
    from customerio_tool.calls.runner import Runner
    from customerio_tool.connection import Connection
    from customerio_tool.policy import Policy
    from customerio_tool.sandbox import Sandbox


class CustomerIoTool(Listing, SubtoolMethods, Asynchronous):
    """The tool "Customer.io": it lists, defines and runs its subtools on one connection.

    It may be shared by threads, and a host may make a new one for each call.

    Args:
        connection: A `Connection`, or the mapping of a saved one. The mapping may have a member
            `policy`, which `Policy.load` reads. The fields may also be keywords: `(**saved)`.
        policy: A `Policy`, or a value for `Policy.load`. By default `Policy()`: every subtool may
            run, without confirmation.
        lookups: Whether the look-ups may run too: reads beside the page's subtools. By default the
            saved connection's `lookups` or the policy decides; a policy that keeps them off
            prevails.
        session: A `requests` session of the host's; see `Client` for its risks. By default all
            tools of the process share one, on which nothing of a connection is stored.
        backends: Ledger, rate limits, telemetry and counters. By default all tools of the process
            share them, and a tool with a `clock` has its own.
        clock: The source of time and random bytes; it also measures rate limits.
        timeouts: The timeouts of one attempt.

    Raises:
        ConnectionInvalid: The saved configuration is invalid, or it has a policy and `policy` is
            given too.
        TypeError: There is no connection, or a keyword beside it that is none of these.
        ValueError: The session's adapters retry requests.
    """

    def __init__(
        self,
        connection: hints.Connection | Mapping[str, Any] | None = None,
        *,
        policy: hints.Policy | Mapping[str, object] | str | None = None,
        lookups: bool | None = None,
        session: hints.Session | None = None,
        backends: hints.Backends | None = None,
        clock: hints.Clock | None = None,
        timeouts: hints.Timeouts | None = None,
        **fields: str | int | None,
    ) -> None:
        one, named = Secret(connection), Secret(fields)
        del connection, fields
        from customerio_tool.backends import Backends
        from customerio_tool.calls.runner import Runner
        from customerio_tool.connection.client import Client
        from customerio_tool.connection.given import given_once
        from customerio_tool.connection.transport import session_of_process
        from customerio_tool.deadline import Clock
        from customerio_tool.locks import ForkSafeLock

        sealed = given_once(one, named, CustomerIoTool.__init__.__kwdefaults__ or ())
        loaded, self._policy = _loaded(sealed, policy, lookups)
        self._clock = clock or Clock()
        if backends is None:
            backends = Backends.on_clock(clock) if clock else _process_backends(loaded)
        self._backends = backends
        shared = session or session_of_process(backends.threads)
        self._client = Client(loaded, session=shared, timeouts=timeouts)
        self._runner = Runner(self._client, backends, self._clock)
        self.local: Sandbox | None = None
        self._is_closed = False
        self._lock = ForkSafeLock()

    @classmethod
    def sandbox(
        cls,
        *,
        seed: bool | Mapping[str, Any] = True,
        options: hints.Options | Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> CustomerIoTool:
        """Start a `Sandbox`, and return a tool on it; closing the tool stops the sandbox.

        The attribute `local` is the sandbox, with its state, faults and clock.

        Args:
            seed: True for the demo workspace, False for an empty one, or the data of a seed.
            options: Settings of the sandbox, such as `{"delay_seconds": 30}`.
            arguments: Keyword arguments of `CustomerIoTool`, without the connection.

        Raises:
            ValueError: An option or the seed is invalid.
        """
        from customerio_tool.deadline import Clock
        from customerio_tool.sandbox import Sandbox

        local = Sandbox(seed=seed, options=options).start()
        try:
            tool = cls(local.connection(), **{"clock": Clock(now=local.clock.now), **arguments})
        except BaseException:
            local.close()
            raise
        tool.local = local
        return tool

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, apis: Collection[hints.Api] | None = None
    ) -> CustomerIoTool:
        """Return a tool that environment variables configure; only the credentials are required.

        `Connection.from_env`, `Policy.from_env` and `Backends.from_env` list the variables.

        Args:
            environ: The variables; by default those of the process.
            apis: The APIs that the tool is for, by default both; the credentials of the other one
                are not needed.

        Raises:
            ConnectionInvalid: Names every wrong variable, and shows no value.
            ImportError: Redis is chosen, and the extra `redis` is not installed.
            ValueError: The Redis URL is not the URL of a Redis server, or `apis` is empty.
        """
        source = Environment(environ)
        del environ
        from customerio_tool.backends import Backends
        from customerio_tool.connection import Connection
        from customerio_tool.policy import Policy
        from customerio_tool.subtools.declare.endpoint import ALL_APIS

        sealed = Secret(Connection.from_env(source, apis=ALL_APIS if apis is None else apis))
        return cls(
            sealed.reveal(),
            policy=Policy.from_env(source),
            backends=Backends.from_env(source, shared=_process_backends(sealed.reveal())),
        )

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
        """Close the tool, its sandbox and files; the session, which other tools share, stays open.

        Later calls fail with `tool_closed`. A file that other tools use opens again by itself.
        """
        self._is_closed = True
        self._client.close()
        self._backends.let_go()
        if self.local is not None:
            self.local.close()

    @property
    def threads(self) -> int:
        """How many calls from asyncio may run at once; see `Backends`."""
        return self._backends.threads

    @property
    def backends(self) -> hints.Backends:
        """The ledger, rate limits, telemetry and counters of the tool."""
        return self._backends

    @property
    def workspace(self) -> str:
        """The digest of the workspace: see `Connection.workspace_key`."""
        return self._client.connection.workspace_key

    def under(
        self, policy: hints.Policy, *, backends: hints.Backends | None = None
    ) -> CustomerIoTool:
        """Return another tool on the same connection and clock, under a policy of its own.

        It is closed apart.

        Args:
            policy: The policy.
            backends: Its backends; by default those of this tool.
        """
        return CustomerIoTool(
            self._client.connection,
            policy=policy,
            backends=backends or self._backends,
            clock=self._clock,
            timeouts=self._client.timeouts,
        )

    @property
    def handlers(self) -> dict[str, Handler]:
        """Each subtool as a callable, by name; also those that may not run, which refuse."""
        return {name: Handler(self.call, name) for name in names(lookups=self._has_lookups())}

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        *,
        context: hints.CallContext | None = None,
    ) -> dict[str, Any]:
        """Run a subtool and return its result envelope, of a success or a failure.

        Args:
            name: The name of the subtool.
            arguments: A mapping, or a JSON object as text; None means no arguments.
            context: The agent's run, a deadline, progress and cancellation.
        """
        from customerio_tool.errors import CustomerIoError

        try:
            return self.run(name, arguments, context=context)
        except CustomerIoError as error:
            return error.as_result()

    def run(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        *,
        context: hints.CallContext | None = None,
    ) -> dict[str, Any]:
        """Run a subtool and return its success envelope; `call` describes the arguments.

        Raises:
            CustomerIoError: The call failed; `customerio_tool.errors` lists the subclasses.
        """
        from customerio_tool.calls.call import CallContext

        subtool = find(name, has_lookups=self._has_lookups())
        return self._open_runner().run(subtool, arguments, context or CallContext(), self._policy)

    def test_connection(self) -> dict[str, Any]:
        """Test each key of the connection with a read, and each shared store, such as Redis.

        A wrong key or an unreachable host is a result, not an exception.

        Returns:
            `ok` and `summary`; for each API of the connection, `track` and `app`:
            `{"ok", "problem"?, "http_status"?, "seconds"?}`, with the seconds until its answer;
            `region` and `workspace_id`, if known; `clock_ahead_seconds`, how far this clock is
            ahead of Customer.io's, to a second or so, if an answer told the time; and
            `{"ok", "problem"?}` for `redis`, if it keeps the rate limits, for `ledger`, if it is
            not in memory, and for `approvals`, if other processes share them.

        Raises:
            ToolClosed: The tool was closed.
        """
        from customerio_tool.backends.health import problems_of
        from customerio_tool.calls.recovery import CALL_SECONDS
        from customerio_tool.connection.check import check_connection

        self._refuse_if_closed()
        stores = problems_of(self._backends, self._clock.now())
        deadline = self._clock.deadline(CALL_SECONDS)
        return check_connection(self._client, deadline, stores, self._clock)

    def warm(self) -> None:
        """Open the connections that the next calls will need, so that these need not wait for them.

        A send uses no connection that was idle for more than 5 s. So call this when a send is
        likely to come, such as when a model begins to answer. It takes 15 s at most, never fails,
        and sends nothing, but for the question for the region where the connection names none.

        Raises:
            ToolClosed: The tool was closed.
        """
        self._open_runner()
        self._client.warm(self._clock.deadline(self._client.timeouts.whole))

    def _open_runner(self) -> Runner:
        from customerio_tool.locks import notice_fork

        notice_fork()
        self._refuse_if_closed()
        return self._runner

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            from customerio_tool.errors import ToolClosed

            raise ToolClosed(
                "Nothing was sent: the application closed this tool, and must make another one."
            )


def _process_backends(connection: Connection) -> Backends:
    """Return the backends that the tools of this process share on these hosts."""
    from customerio_tool.backends import Backends

    return Backends.of_process(*connection.own_hosts)


def _loaded(
    sealed: Secret[Any],
    policy: Policy | Mapping[str, object] | str | None,
    lookups: object,
) -> tuple[Connection, Policy]:
    """Return the connection, and the policy: the one in the saved connection or the argument."""
    from customerio_tool.errors import ConnectionInvalid, FieldProblem
    from customerio_tool.policy import Policy

    saved = sealed.reveal() if isinstance(sealed.reveal(), Mapping) else {}
    own, switch = saved.get("policy"), saved.get("lookups") if lookups is None else lookups
    if own is not None and policy is not None:
        twice = FieldProblem("policy", "is given twice", "leave it out of one of the two places")
        raise ConnectionInvalid(f"The policy cannot be used. {twice}.", fields=[twice])
    chosen = own if policy is None else policy
    # Defaults need no check, for which a cold start would have to build a validator.
    loaded = Policy.model_construct() if chosen is None else Policy.load(chosen)
    if switch is not None:
        from customerio_tool.policy.narrowing import with_switch

        loaded = with_switch(loaded, switch)
    return _connection_of(sealed), loaded


def _connection_of(sealed: Secret[Any]) -> Connection:
    from customerio_tool.connection import Connection

    if isinstance(sealed.reveal(), Connection):
        return cast("Connection", sealed.reveal())
    if not isinstance(sealed.reveal(), Mapping):
        return Connection.load(sealed.reveal())
    own = ("policy", "lookups")
    return Connection.load({k: v for k, v in sealed.reveal().items() if k not in own})
