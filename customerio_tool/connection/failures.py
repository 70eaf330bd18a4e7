"""Classifies the exceptions of `requests`: nothing was sent, or the answer was lost."""

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
    """The request may have arrived, and its answer is not known.

    Args:
        problem: How the answer was lost, as a sentence.
        partial: The part of the reply that was read, if that includes status and headers.
    """

    def __init__(self, problem: str, partial: Reply | None = None) -> None:
        super().__init__(problem)
        self.partial = partial


def failure_of(error: Exception, *, begun: bool | None = None) -> CustomerIoError | AnswerLost:
    """Return `Unreachable` where certainly nothing was sent, else `AnswerLost`.

    The text of the exception is not used, as it contains the path.

    Args:
        error: The exception of an exchange, perhaps raised by the host's own signal handler.
        begun: Whether the first byte of the request may have been sent. None if that was not
            observed; then the type of the exception must prove that nothing was sent. A
            `ProxyError` alone proves nothing: it is also raised if an answer breaks off.
    """
    if begun is None:
        begun = not isinstance(error, _NOT_SENT) and not any(
            isinstance(cause, _NOT_SENT_CAUSES) for cause in _causes(error)
        )
    if not begun:
        return Unreachable("Customer.io could not be reached, so nothing was sent.")
    return AnswerLost(problem_of(error))


def problem_of(error: Exception) -> str:
    """Return a sentence that says how an answer was lost."""
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return "Customer.io did not answer in time."
    return "The connection broke before Customer.io's answer arrived."


def _causes(error: BaseException) -> list[BaseException]:
    """Return an exception and those that it wraps, which urllib3 puts in `args` and `reason`."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        candidate = waiting.pop()
        if isinstance(candidate, BaseException) and candidate not in found:
            found.append(candidate)
            waiting += [*candidate.args, getattr(candidate, "reason", None)]
    return found
