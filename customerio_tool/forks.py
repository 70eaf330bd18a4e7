"""What belongs to one process alone is renewed in a forked child.

Python tells of forks by `os.register_at_fork`; where there is none, as on Windows, nothing forks.
A server that forks in C must call `PyOS_AfterFork_Child`, as uWSGI does with its option
`py-call-uwsgi-fork-hooks`.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable

_renewals: set[weakref.WeakMethod[Callable[[], None]]] = set()


def renew_in_child(renew: Callable[[], None]) -> None:
    """Call a bound method in each child that is forked while its object lives.

    The child has one thread by then. Locks that another thread held at the fork stay locked in it,
    so that the method must take none.
    """
    _renewals.add(weakref.WeakMethod(renew, _renewals.discard))


def _renew_all() -> None:
    for reference in list(_renewals):
        if renew := reference():
            renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
