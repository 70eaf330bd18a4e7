"""The strict rate limits: requests per second of each API (T, A).

The second is measured by the sandbox's clock: if that is frozen, only moving it makes room.
UNVERIFIED: a 429 has no Retry-After, since the specification gives limits but no headers. Sends do
not count as App calls, since a limit of 100 within one of 10 would have no effect. Triggers have
their own limit, ``Options.trigger_interval``.
"""

from __future__ import annotations

from collections import deque
from threading import Lock

from ..refusal import Refused
from .http import Request
from .routes import Route

PER_SECOND = {"track": 1000, "app": 10, "send": 100}
_WINDOW = 1.0  # seconds


class Pace:
    """The accepted requests of the last second. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken: dict[str, deque[float]] = {name: deque() for name in PER_SECOND}

    def admit(self, route: Route, request: Request, now: float) -> None:
        """Count a request, or refuse it without counting it."""
        if route.operation == "trigger_broadcast":
            return
        kind = "send" if request.path.startswith("/v1/send/") else route.api
        with self._lock:
            taken = self._taken[kind]
            while taken and not now - _WINDOW < taken[0] <= now:  # too old, or later than now
                taken.popleft()
            if len(taken) >= PER_SECOND[kind]:
                raise Refused("rate limit exceeded", "too_many")
            taken.append(now)

    def forget(self) -> None:
        """Forget all requests."""
        with self._lock:
            for taken in self._taken.values():
                taken.clear()
