"""`CustomerIoTool`: the 24 subtools on one connection, through one session."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

from customerio_tool.arguments import nearest
from customerio_tool.client import Client
from customerio_tool.connection import Connection
from customerio_tool.connection_test import check_connection
from customerio_tool.deadline import Deadline
from customerio_tool.dispatch import CALL_SECONDS, Dispatch, seconds_for
from customerio_tool.errors import CustomerIoError, SubtoolDisabled, SubtoolUnknown
from customerio_tool.identifiers import ulid
from customerio_tool.invocation import CallContext, Invocation
from customerio_tool.policy import Policy
from customerio_tool.replay import Pacing, Replayer
from customerio_tool.spec import Subtool
from customerio_tool.subtools import subtools
from customerio_tool.wire import request_for

if TYPE_CHECKING:
    import requests


class _Unpaced:
    def wait(self, *_: object) -> None: ...

    def pause(self, *_: object) -> None: ...


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
        connection: A `Connection`, or the saved configuration that one is loaded from.
        policy: What the agent may do; by default every subtool is enabled.
        session: A `requests` session to share between tools; nothing of the connection is stored
            on it. By default the tool makes one and closes it.
        pacer: Waits for slots in the vendor's rate classes.
        clock: Gives Unix time in seconds.
        monotonic: Gives seconds for deadlines.
        sleep: Waits that many seconds.
        entropy: Gives that many random bytes.

    Raises:
        ConnectionInvalid: The saved configuration cannot be used.
    """

    def __init__(
        self,
        connection: Connection | Mapping[str, Any],
        *,
        policy: Policy | None = None,
        session: requests.Session | None = None,
        pacer: Pacing | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        if not isinstance(connection, Connection):
            connection = Connection.load(connection)
        self._client = Client(connection, session=session)
        self._policy = policy or Policy()
        self._replayer = Replayer(self._client, pacer or _Unpaced(), sleep=sleep, clock=clock)
        self._clock = clock
        self._monotonic = monotonic
        self._entropy = entropy
        self._lock = threading.Lock()
        self._known = subtools()
        self.handlers: Mapping[str, Handler] = MappingProxyType(
            {name: Handler(self, subtool) for name, subtool in self._known.items()}
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
        """Close the tool's own session."""
        self.close()

    def close(self) -> None:
        """Close the connections of the tool's own session; a shared one stays open."""
        self._client.close()

    def subtools(self) -> list[str]:
        """Return the names of the enabled subtools."""
        return [name for name in self._known if self._policy.allows(name)]

    def enable(self, *names: str) -> None:
        """Enable subtools beside those that are.

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
            self._policy = self._policy.only(change(frozenset(self.subtools())))

    def _checked(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(self._subtool(name).name for name in names)

    def definition(self, name: str) -> dict[str, Any]:
        """Return what a model or host needs to know of one subtool.

        The members are those of an MCP tool, in snake_case: name, title, description,
        input_schema, output_schema and annotations.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        return self._subtool(name).definition()

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
        subtool = self._subtool(name)
        if name not in self.subtools():  # told first: repairing the arguments would not help
            raise SubtoolDisabled(f"The subtool {name!r} is not enabled. Nothing was sent.")
        args = subtool.parse(arguments)
        self._policy.admit(subtool, args)
        at = self._invocation()
        context = context or CallContext()
        deadline = Deadline(seconds_for(subtool, context), self._monotonic)
        request = request_for(subtool, args, at)
        dispatch = Dispatch(self._replayer, subtool, args, at, context, deadline, lambda _: None)
        return subtool.result(dispatch.answer(request))

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
