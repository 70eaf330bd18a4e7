"""Knows how a test gives up on what never comes, without hurrying what does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import BaseAdapter

from customerio_tool.connection.transport import new_session
from tests.support.retries import SkippingClock
from tests.support.timeouts import PATIENCE

SOON = 0.2
"""Real seconds to wait for an answer that does not come."""


class _Through(BaseAdapter):
    """Sends through another adapter."""

    def __init__(self, other: BaseAdapter) -> None:
        super().__init__()
        self._other = other

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        return self._other.send(*args, **kwargs)

    def close(self) -> None:
        self._other.close()


class _Impatient(_Through):
    def __init__(
        self, other: BaseAdapter, method: str, times: int, given_up: Callable[[], object]
    ) -> None:
        super().__init__(other)
        self._method = method
        self._times = times
        self._given_up = given_up

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        is_soon = request.method == self._method and self._times != 0
        self._times -= is_soon
        kwargs["timeout"] = PATIENCE, SOON if is_soon else PATIENCE
        try:
            return super().send(request, *args, **kwargs)
        except requests.ReadTimeout:
            self._given_up()
            raise


class _Late(_Through):
    def __init__(self, other: BaseAdapter, clock: SkippingClock) -> None:
        super().__init__(other)
        self._clock = clock

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(*args, **kwargs)
        self._clock.tick = 5.0
        return response


def impatient_session(
    method: str, times: int, given_up: Callable[[], object] = lambda: None
) -> requests.Session:
    """Return a session that soon gives up the first requests of a method, and no others.

    Args:
        method: The method.
        times: How many of its requests; -1 means all.
        given_up: Called before such a request is told as given up: it may wait for the server,
            which a busy machine can have kept from doing what it was asked.
    """
    session = new_session()
    session.mount("http://", _Impatient(session.get_adapter("http://"), method, times, given_up))
    return session


def late_session(clock: SkippingClock) -> requests.Session:
    """Return a session with which each look at a clock takes 5 s once an answer has begun."""
    session = new_session(monotonic=clock.monotonic)
    session.mount("http://", _Late(session.get_adapter("http://"), clock))
    return session
