"""Refuses sessions that repeat requests by themselves: only a call knows what may be repeated."""

from __future__ import annotations

from customerio_tool.errors import ConnectionInvalid


class _SessionRepeats(ConnectionInvalid, ValueError):
    """The session repeats requests by itself; a `ValueError`, because the host passed the session.

    It is a `CustomerIoError` too: a call that is refused for it was certainly not sent.
    """


def refuse_repeats(adapter: object) -> None:
    """Refuse an adapter that retries: it may send twice, or report as not sent what was sent."""
    retries = getattr(adapter, "max_retries", 0)
    # urllib3 takes a number for the `total` of a `Retry`, and None for its default, 3 retries.
    total = getattr(retries, "total", retries)
    if total is False or (type(total) is int and total == 0):
        return
    raise _SessionRepeats(
        "Nothing was sent: the session repeats requests by itself. The application must mount "
        "adapters with max_retries=0."
    )
