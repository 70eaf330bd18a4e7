"""`CustomerIoTool`: the 24 subtools on one connection, through one session."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, cast

from customerio_tool.backends import Backends
from customerio_tool.calls.call import CallContext
from customerio_tool.calls.confirmation import with_confirmation
from customerio_tool.calls.recovery import CALL_SECONDS
from customerio_tool.calls.runner import Runner
from customerio_tool.connection import Connection
from customerio_tool.connection.check import check_connection
from customerio_tool.connection.client import Client
from customerio_tool.deadline import Clock, Timeouts
from customerio_tool.errors import (
    ConnectionInvalid,
    CustomerIoError,
    FieldProblem,
    ToolClosed,
)
from customerio_tool.locks import ForkSafeLock, notice_fork
from customerio_tool.policy import Policy
from customerio_tool.secret import Environment, Secret
from customerio_tool.subtools import find, subtools
from customerio_tool.subtools.declare import Api, Subtool
from customerio_tool.subtools.declare.endpoint import ALL_APIS

if TYPE_CHECKING:
    import requests

    from customerio_tool.sandbox import Sandbox


class Handler:
    """One subtool bound to a tool: call it with its arguments, get the result envelope.

    It has the subtool's name as a function has its own, for hosts that ask.
    """

    def __init__(self, tool: CustomerIoTool, subtool: Subtool[Any]) -> None:
        self.tool = tool
        self.subtool = subtool
        self.__name__ = self.__qualname__ = subtool.name

    def __repr__(self) -> str:
        return f"<subtool {self.__name__}>"

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
        backends: What stands behind the calls: ledger, limits, telemetry and the rest. By default
            the tools of this process share them, so that a host may make a tool for each call; a
            tool with a `clock` has its own.
        clock: Time and chance; the tool also paces by it.
        timeouts: How long one attempt may wait for a connection and for an answer.

    Raises:
        ConnectionInvalid: The saved configuration cannot be used, or a policy is given twice.
        ValueError: The session's adapters repeat requests by themselves.
    """

    def __init__(
        self,
        connection: Connection | Mapping[str, Any],
        *,
        policy: Policy | Mapping[str, object] | str | None = None,
        session: requests.Session | None = None,
        backends: Backends | None = None,
        clock: Clock | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        sealed = Secret(connection)
        del connection
        loaded, self._policy = _loaded(sealed, policy)
        self._client = Client(loaded, session=session, timeouts=timeouts)
        self._clock = clock or Clock()
        if backends is None:
            backends = Backends.on_clock(clock) if clock else _shared(loaded)
        self._runner = Runner(self._client, backends, self._clock)
        self.local: Sandbox | None = None
        self._is_closed = False
        self._lock = ForkSafeLock()
        self._all_subtools = subtools()
        self.handlers: Mapping[str, Handler] = MappingProxyType(
            {name: Handler(self, subtool) for name, subtool in self._all_subtools.items()}
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
            tool = cls(local.connection(), **{"clock": Clock(now=local.clock.now), **arguments})
        except BaseException:
            local.close()
            raise
        tool.local = local
        return tool

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, apis: Collection[Api] = ALL_APIS
    ) -> CustomerIoTool:
        """Make a tool as the environment says; every variable but the credentials may be absent.

        - Connection: `CUSTOMERIO_SITE_ID`, `CUSTOMERIO_TRACK_API_KEY`, `CUSTOMERIO_APP_API_KEY`,
          `CUSTOMERIO_REGION` and their like, see `Connection.from_env`.
        - Policy: `CUSTOMERIO_POLICY` names a preset; `CUSTOMERIO_SUBTOOLS`, `CUSTOMERIO_READ_ONLY`,
          `CUSTOMERIO_DRY_RUN` and their like change it, see `Policy.from_env`.
        - Shared among workers: `CUSTOMERIO_REDIS_URL` (limits and the ledger of sends),
          `CUSTOMERIO_LEDGER_FILE` (the ledger alone).
        - `CUSTOMERIO_AUDIT_FILE` is appended one line per call.

        Args:
            environ: Where to read, in place of the process's environment.
            apis: The APIs that the tool is for; credentials of the other are not needed.

        Raises:
            ConnectionInvalid: Names every variable that is wrong, and shows no value.
            ImportError: Redis is asked for, and the extra `redis` is not installed.
            ValueError: `CUSTOMERIO_REDIS_URL` holds no address of a Redis server.
        """
        source = Environment(environ)
        del environ
        sealed = Secret(Connection.from_env(source, apis=apis))
        return cls(
            sealed.reveal(),
            policy=Policy.from_env(source),
            backends=Backends.from_env(source, shared=_shared(sealed.reveal())),
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
        """Close the tool's own session and its sandbox; a shared session stays open.

        A tool that was closed refuses calls.
        """
        self._is_closed = True
        self._client.close()
        if self.local is not None:
            self.local.close()

    def subtools(self) -> list[str]:
        """Return the names of the subtools that may run: enabled, and reads if only they may."""
        policy = self._policy
        return [name for name, subtool in self._all_subtools.items() if policy.allows(subtool)]

    def enable(self, *names: str) -> None:
        """Enable subtools beside those that are; a read-only policy still lets only reads run.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        self._set_enabled(lambda enabled: enabled | self._existing(names))

    def disable(self, *names: str) -> None:
        """Disable subtools; a disabled one is neither listed nor run.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        self._set_enabled(lambda enabled: enabled - self._existing(names))

    def only(self, *names: str) -> None:
        """Enable exactly these subtools.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        self._set_enabled(lambda _: self._existing(names))

    def _set_enabled(self, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        with self._lock:
            enabled = self._policy.enabled
            now = self._all_subtools if enabled is None else enabled
            self._policy = self._policy.only(change(frozenset(now)))

    def _existing(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(find(name).name for name in names)

    def definition(self, name: str) -> dict[str, Any]:
        """Return what a model or host needs to know of one subtool.

        The members are those of an MCP tool, in snake_case: name, title, description,
        input_schema, output_schema and annotations. Where the policy has calls confirmed, the
        schemas say how.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        subtool, policy = find(name), self._policy
        definition = subtool.definition()
        if policy.requires_confirmation(subtool):
            return with_confirmation(definition, policy.confirm)
        return definition

    def definitions(self, only: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Return the definitions of the enabled subtools, or of those among them that are named.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        named = [only] if isinstance(only, str) else only
        wanted = None if named is None else self._existing(named)
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
        subtool = find(name)
        return self._open_runner().run(subtool, arguments, context or CallContext(), self._policy)

    def approve(
        self, confirmation_id: str, *, context: CallContext | None = None
    ) -> dict[str, Any]:
        """Run the call that waits under a confirmation id, with the arguments it was asked with.

        This is for the host, after a person agreed; it must not be within reach of the model. A
        call waits 10 minutes, in the memory of the process that asked, and can be approved once, by
        any tool on its workspace. What the policy of that tool refuses stays refused.

        Args:
            confirmation_id: From the result of the call.
            context: What the host knows about it now; it stays a call of the run that asked.

        Returns:
            The result envelope of the call, for the model; `confirmation_unknown` where no call
            waits.
        """
        try:
            return self._open_runner().approve(
                confirmation_id, context or CallContext(), self._policy
            )
        except CustomerIoError as error:
            return error.as_result()

    def decline(self, confirmation_id: str) -> dict[str, Any]:
        """Drop the call that waits under a confirmation id.

        Returns:
            The result envelope of the call, for the model: `policy_refused`, or
            `confirmation_unknown` where no call waits.
        """
        try:
            self._open_runner().decline(confirmation_id)
        except CustomerIoError as error:
            return error.as_result()

    def test_connection(self) -> dict[str, Any]:
        """Check both keys with two reads and say which is wrong and which workspace answered.

        Returns:
            `ok` and `summary`; for each API of the connection, `track` and `app`:
            `{"ok", "problem"?, "http_status"?}`; `region` and `workspace_id`, where Customer.io
            told them. It raises nothing for a key that is wrong or a host that is down.
        """
        return check_connection(self._client, self._clock.deadline(CALL_SECONDS))

    def _open_runner(self) -> Runner:
        notice_fork()
        if self._is_closed:
            raise ToolClosed(
                "Nothing was sent: the application closed this tool, and must make another one."
            )
        return self._runner


def _shared(connection: Connection) -> Backends:
    """Return the backends that the tools of this process share on these hosts."""
    own = (connection.track_url, connection.app_url)
    return Backends.of_process(*(host or "" for host in own)) if any(own) else Backends.of_process()


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
