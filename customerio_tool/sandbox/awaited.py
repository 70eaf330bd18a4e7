"""So many requests that somebody waits for to be in the request log."""

from __future__ import annotations

from . import state
from .workspace import Workspace


class Awaited:
    """A wait for ``count`` requests; each look is at what is new in the log.

    Args:
        after: leave out what was logged up to this number.
        operation: leave out all other operations.
        count: how many.
    """

    def __init__(self, after: int, operation: str | None, count: int) -> None:
        self._after, self._operation, self._count = after, operation, count
        self._log, self._seen, self._found = "", after, 0

    def are_there(self, ws: Workspace) -> bool:
        """Whether the log holds them.

        Raises:
            ValueError: it keeps fewer.
        """
        self._check_kept(ws.options.requests_kept)
        ws.store.renew()
        if self._log != ws.store.generation:  # it began anew
            self._log, self._seen, self._found = ws.store.generation, self._after, 0
        self._found += state.count_requests(ws, self._seen, self._operation)
        self._seen = max(self._seen, state.last_request(ws))
        if self._found >= self._count:  # so many came: the log may have dropped some of them
            self._found = state.count_requests(ws, self._after, self._operation)
        return self._found >= self._count

    def _check_kept(self, kept: int) -> None:
        if kept and self._count > kept:
            raise ValueError(
                f"wait_for cannot see {self._count} requests in a log that keeps the newest {kept}:"
                " ask for fewer, or raise options.requests_kept"
            )
