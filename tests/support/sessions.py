"""Knows how a test gives up on what never comes, without hurrying what does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import BaseAdapter

from customerio_tool.connection.transport import new_session
from tests.support.retries import SkippingClock
from tests.support.timeouts import PATIENCE

SOON = 0.02
"""Real seconds to wait for what does not come."""


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
        self,
        other: BaseAdapter,
        method: str,
        times: int,
        given_up: Callable[[], object],
        head_comes: bool,
    ) -> None:
        super().__init__(other)
        self._method = method
        self._times = times
        self._given_up = given_up
        self._head_comes = head_comes

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        is_soon = request.method == self._method and self._times != 0
        self._times -= is_soon
        kwargs["timeout"] = PATIENCE, SOON if is_soon and not self._head_comes else PATIENCE
        try:
            response = super().send(request, *args, **kwargs)
        except requests.ReadTimeout:
            self._given_up()
            raise
        if is_soon and self._head_comes:
            connection = response.raw.connection
            assert connection is not None
            connection.sock.settimeout(SOON)
        return response


class _Late(_Through):
    def __init__(self, other: BaseAdapter, clock: SkippingClock, method: str) -> None:
        super().__init__(other)
        self._clock = clock
        self._method = method

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        response = super().send(request, *args, **kwargs)
        if request.method == self._method:
            self._clock.tick = 30.0
        return response


def impatient_session(
    method: str,
    times: int,
    given_up: Callable[[], object] = lambda: None,
    *,
    head_comes: bool = False,
) -> requests.Session:
    """Return a session that soon gives up the first requests of a method, and no others.

    Args:
        method: The method.
        times: How many of its requests; -1 means all.
        given_up: Called before such a request is told as given up: it may wait for the server,
            which a busy machine can have kept from doing what it was asked.
        head_comes: Whether the answer begins, so that only the rest is not waited for.
    """
    session = new_session()
    adapter = session.get_adapter("http://")
    session.mount("http://", _Impatient(adapter, method, times, given_up, head_comes))
    return session


def late_session(clock: SkippingClock, method: str) -> requests.Session:
    """Return a session with which each look at a clock takes 30 s once a method is answered."""
    session = new_session(monotonic=clock.monotonic)
    session.mount("http://", _Late(session.get_adapter("http://"), clock, method))
    return session
