"""Knows what an exception of `requests` means: nothing was sent, or the answer is lost."""

from __future__ import annotations

import ssl

import requests
import urllib3.exceptions

from customerio_tool.connection.exchange import Reply
from customerio_tool.errors import CustomerIoError, Unreachable

_NOT_SENT = (
    requests.ConnectTimeout,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.URLRequired,
)
_NOT_SENT_CAUSES = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    ssl.SSLCertVerificationError,
    urllib3.exceptions.EmptyPoolError,
    urllib3.exceptions.ClosedPoolError,
)


class AnswerLost(Exception):
    """The request may have arrived, and its answer is not known; the text says how it was lost.

    Args:
        problem: How it was lost.
        partial: The reply as far as it came, where its status and headers did.
    """

    def __init__(self, problem: str, partial: Reply | None = None) -> None:
        super().__init__(problem)
        self.partial = partial


def failure_of(error: Exception) -> CustomerIoError | AnswerLost:
    """Tell what an exception of `requests` means: nothing was sent, or the answer is lost.

    One that may mean either means that the answer is lost, as a `ProxyError` does by itself: an
    answer that broke off behind a proxy is told as one. Its text, which holds the path, is not
    passed on.
    """
    if isinstance(error, _NOT_SENT) or any(
        isinstance(cause, _NOT_SENT_CAUSES) for cause in _causes(error)
    ):
        return Unreachable("Customer.io could not be reached, so nothing was sent.")
    return AnswerLost(problem_of(error))


def problem_of(error: Exception) -> str:
    """Say how an answer was lost."""
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return "Customer.io did not answer in time."
    return "The connection broke before Customer.io's answer arrived."


def _causes(error: BaseException) -> list[BaseException]:
    """Return an exception and those it wraps; urllib3 keeps them in `args` and in `reason`."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        candidate = waiting.pop()
        if isinstance(candidate, BaseException) and candidate not in found:
            found.append(candidate)
            waiting += [*candidate.args, getattr(candidate, "reason", None)]
    return found
