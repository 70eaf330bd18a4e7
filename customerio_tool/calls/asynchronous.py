"""Calls of a tool from asyncio: each runs in a thread, and a cancelled task cancels its call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from customerio_tool.calls import hints
from customerio_tool.calls.calling import Calling
from customerio_tool.calls.deciding import Deciding


class Asynchronous(Deciding, Calling):
    """What a tool offers to asyncio, beside its plain methods of nearly the same names."""

    @property
    @abstractmethod
    def threads(self) -> int:
        """How many calls from asyncio may run at once."""

    async def acall(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        *,
        context: hints.CallContext | None = None,
    ) -> dict[str, Any]:
        """Run a subtool as `call` does, without holding up the event loop.

        If the task is cancelled, the call is cancelled too, and has ended or is given up after
        0.5 s. The process has `Backends.threads` threads for such calls, 64 by default; any further
        one waits for a thread, and its deadline begins then.

        Args:
            name: The name of the subtool.
            arguments: A mapping, or a JSON object as text; None means no arguments.
            context: As in `call`; its `on_progress` is called in the event loop.
        """
        return await self._in_thread(lambda at: self.call(name, arguments, context=at), context)

    async def aapprove(
        self, confirmation_id: str, *, context: hints.CallContext | None = None
    ) -> dict[str, Any]:
        """Run a waiting call as `approve` does, without holding up the event loop."""
        return await self._in_thread(lambda at: self.approve(confirmation_id, context=at), context)

    async def adecline(
        self, confirmation_id: str, *, context: hints.CallContext | None = None
    ) -> dict[str, Any]:
        """Drop a waiting call as `decline` does, without holding up the event loop."""
        return await self._in_thread(lambda at: self.decline(confirmation_id, context=at), context)

    async def _in_thread(
        self, run: Callable[[hints.CallContext], dict[str, Any]], context: hints.CallContext | None
    ) -> dict[str, Any]:
        from customerio_tool.calls.in_thread import in_thread  # brings asyncio along

        return await in_thread(run, context, self.threads)
