"""What belongs to one process alone is renewed in a forked child.

Python announces a fork by `os.register_at_fork`; where there is none, as on Windows, nothing forks.
A server that forks in C may run no hook of Python: uWSGI does so by default. `notice_fork`, at the
beginning of each call, catches up there.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable

_renewals: set[weakref.WeakMethod[Callable[[], None]]] = set()
_renewed = {os.getpid()}
_renewing: dict[int, threading.Lock] = {}


def renew_in_child(renew: Callable[[], None]) -> None:
    """Call a bound method in each child that is forked while its object lives.

    The child has one thread by then. Locks that another thread held at the fork stay locked in it,
    so that the method must take none.
    """
    _renewals.add(weakref.WeakMethod(renew, _renewals.discard))


def notice_fork() -> None:
    """Renew now in a process whose fork Python did not announce."""
    process = os.getpid()
    if process in _renewed:
        return
    # `setdefault` is one step, so that the first threads of a process share one lock.
    with _renewing.setdefault(process, threading.Lock()):
        if process not in _renewed:
            _renew_all()


def _renew_all() -> None:
    for reference in list(_renewals):
        if renew := reference():
            renew()
    _renewed.add(os.getpid())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)


class ForkSafeLock:
    """A lock for `with`; a forked child begins with a free one, whoever held it at the fork.

    `with` finds the methods of a plain lock here. Methods in Python around them could be left by a
    signal handler that raises, with the lock still held.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        renew_in_child(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    @property
    def __enter__(self) -> Callable[..., bool]:
        """The method that waits for the lock."""
        return self._lock.__enter__

    @property
    def __exit__(self) -> Callable[..., None]:  # noqa: PLE0302 - `with` reads the property, then calls
        """The method that lets go of the lock."""
        return self._lock.__exit__
