"""Renews locks and other state of one process in a forked child.

`os.register_at_fork` runs the renewals after a fork that Python makes. A server that forks in C may
skip Python's hooks, as uWSGI does by default; for these, each call begins with `notice_fork`.
Windows has no fork and no `register_at_fork`.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any, Protocol, cast


class Closable(Protocol):
    """What keeps something open that a fork must not copy."""

    def let_go(self) -> None:
        """Close it until its next use; takes no lock."""


# No `WeakMethod`: its callback complains where an object ends together with its class.
_renewals: dict[weakref.ref[object], list[Callable[[Any], None]]] = {}
_files: set[weakref.ref[Closable]] = set()
_renewed = {os.getpid()}
_renewing: dict[int, threading.Lock] = {}


def renew_in_child(renew: Callable[[], None]) -> None:
    """Register a bound method, to be called in every forked child while its object exists.

    The method must not take a lock: one that another thread held at the fork is locked forever in
    the child.
    """
    method = cast("MethodType", renew)
    reference = weakref.ref(method.__self__, _renewals.pop)
    _renewals.setdefault(reference, []).append(method.__func__)


def close_before_fork(file: Closable) -> None:
    """Register a file, to be let go before every fork while its object exists.

    A server that forks in C skips that; so it is let go in the child as well.
    """
    _files.add(weakref.ref(file, _files.discard))


def notice_fork() -> None:
    """Call the renewals if this process was forked without Python's hooks."""
    process = os.getpid()
    if process in _renewed:
        return
    # `setdefault` is atomic: all threads of the process get the same lock.
    with _renewing.setdefault(process, threading.Lock()):
        if process not in _renewed:
            _renew_all()


def _renew_all() -> None:
    # A copy made at one go: garbage that is collected during a loop would drop its entries.
    for reference, methods in _renewals.copy().items():
        if (renewed := reference()) is not None:
            for renew in methods:
                renew(renewed)
    _close_files()
    _renewed.add(os.getpid())


def _close_files() -> None:
    for reference in list(_files):
        if file := reference():
            file.let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_files, after_in_child=_renew_all)


class ForkSafeLock:
    """A lock for `with` that is free again in a forked child.

    The properties return the methods of a plain lock, written in C, for `with` to call. In methods
    written in Python, a signal handler could raise after the lock is taken, and leave it locked.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        renew_in_child(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    @property
    def lock(self) -> threading.Lock:
        """The plain lock of this process, for what waits a limited time."""
        return self._lock

    @property
    def __enter__(self) -> Callable[..., bool]:
        """The method that takes the lock."""
        return self._lock.__enter__

    @property
    def __exit__(self) -> Callable[..., None]:  # noqa: PLE0302 - `with` reads the property, then calls
        """The method that releases the lock."""
        return self._lock.__exit__
