"""Tells open pages that something changed, by Server-Sent Events; they then load what they show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from threading import Lock
from typing import TypeAlias

import anyio
import anyio.to_thread
from sse_starlette import EventSourceResponse
from starlette.responses import Response

from customerio_tool.backends.telemetry.audit import AuditTrail
from customerio_tool.doors.workbench.workspaces import Workspace, Workspaces
from customerio_tool.errors import CustomerIoError

MOST = 32
"""How many pages may listen at once."""

MOST_OF_ONE = 4
"""How many of one browser: it has six connections to a server at most, and needs some to load."""

LOOK_SECONDS = 1.0
"""How often it is looked for changes: other processes may share the store of what waits."""

_AGAIN_MS = 2_000

_LAST_SECONDS = 2.0
"""How long a stream may take to end by itself when the server stops; then it is cut off."""

State: TypeAlias = Mapping[str, str | int]


class Listeners:
    """The pages that listen, so many at once and no more.

    Args:
        workspaces: The workspaces of the workbench.
        is_in: Returns whether a browser is still let in; its streams end when it is not.
    """

    def __init__(self, workspaces: Workspaces, is_in: Callable[[str], bool]) -> None:
        self._workspaces = workspaces
        self._is_in = is_in
        self._of: Counter[str] = Counter()
        self._lock = Lock()

    def listen(self, browser: str) -> Response:
        """Answer a page with events until it leaves or the server stops.

        With too many listeners the answer is 503, after which a browser does not ask again.

        Args:
            browser: What tells the browser from others.
        """
        with self._lock:
            is_full = self._is_full(browser)
        if is_full:
            return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        stopping = anyio.Event()
        return EventSourceResponse(
            self._changes(browser, stopping),
            ping=15,
            shutdown_event=stopping,
            shutdown_grace_period=_LAST_SECONDS,
        )

    def _is_full(self, browser: str) -> bool:
        return self._of[browser] >= MOST_OF_ONE or self._of.total() >= MOST

    @contextmanager
    def _place(self, browser: str) -> Iterator[bool]:
        """Hold a place inside the block; false if there was none."""
        with self._lock:
            has_place = not self._is_full(browser)
            self._of[browser] += has_place
        try:
            yield has_place
        finally:
            with self._lock:
                self._of[browser] -= has_place
                self._of += Counter()  # forgets who has no place

    async def _changes(
        self, browser: str, stopping: anyio.Event
    ) -> AsyncIterator[dict[str, str | int]]:
        # The place is taken when the stream begins: one that never does would keep it.
        with self._place(browser) as has_place:
            last: State | None = None
            while has_place and not stopping.is_set() and self._is_in(browser):
                now = await anyio.to_thread.run_sync(state_of, self._workspaces.current)
                if now != last:
                    yield {"data": json.dumps(now), "retry": _AGAIN_MS}
                last = now
                with anyio.move_on_after(LOOK_SECONDS):
                    await stopping.wait()


def state_of(workspace: Workspace) -> State:
    """Return what pages go by: each member differs when what it is named for changed.

    `count` is how many calls wait. There is nothing of a call in it.
    """
    try:
        with workspace.tool() as tool:
            waiting = [each.confirmation_id for each in tool.waiting()]
    except CustomerIoError:
        waiting = []
    trails = [each for each in workspace.ground.backends.telemetry if isinstance(each, AuditTrail)]
    return {
        "workspace": workspace.key,
        "count": len(waiting),
        "waiting": " ".join(waiting),
        "calls": f"{workspace.recent.count} {sum(each.size for each in trails)}",
        "agent": workspace.talk.version,
    }
