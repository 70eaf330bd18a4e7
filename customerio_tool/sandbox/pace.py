"""How many requests a second each API takes, where the limits are strict (T, A).

The window slides over the sandbox's clock: where that is frozen, only moving it makes room. That a
429 carries no Retry-After, and that the send endpoints do not count as other App calls, is
UNVERIFIED: the specification gives limits but no headers, and a limit of 100 inside one of 10 would
mean nothing. Triggers have a limit of their own, ``Options.trigger_interval``.
"""

from __future__ import annotations

from collections import deque
from threading import Lock

from .http import Request
from .refusal import Refused
from .routes import Route

PER_SECOND = {"track": 1000, "app": 10, "send": 100}
_WINDOW = 1.0  # seconds


class Pace:
    """The accepted requests of the last second. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken: dict[str, deque[float]] = {name: deque() for name in PER_SECOND}

    def admit(self, route: Route, request: Request, now: float) -> None:
        """Count a request, or refuse it: what is refused does not count."""
        if route.operation == "trigger_broadcast":
            return
        kind = "send" if request.path.startswith("/v1/send/") else route.api
        with self._lock:
            taken = self._taken[kind]
            while taken and not now - _WINDOW < taken[0] <= now:  # too old, or the clock went back
                taken.popleft()
            if len(taken) >= PER_SECOND[kind]:
                raise Refused("rate limit exceeded", "too_many")
            taken.append(now)

    def forget(self) -> None:
        """Begin a new second."""
        with self._lock:
            for taken in self._taken.values():
                taken.clear()
