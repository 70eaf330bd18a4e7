"""Classifies the exceptions of `requests`: nothing was sent, or the answer was lost."""

from __future__ import annotations

import ssl

import requests
import urllib3.exceptions

from customerio_tool.connection.causes import Cause, Way, cause_of, causes
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


def failure_of(
    error: Exception, *, begun: bool | None = None, way: Way | None = None
) -> CustomerIoError | AnswerLost:
    """Return `Unreachable` where certainly nothing was sent, else `AnswerLost`.

    Args:
        error: The exception of an exchange, perhaps raised by the host's own signal handler.
        begun: Whether the first byte of the request may have been sent. None if that was not
            observed; then the type of the exception must prove that nothing was sent. A
            `ProxyError` alone proves nothing: it is also raised if an answer breaks off.
        way: The hosts of the exchange, for the message.
    """
    way = way or Way()
    if begun is None:
        begun = not isinstance(error, _NOT_SENT) and not any(
            isinstance(cause, _NOT_SENT_CAUSES) for cause in causes(error)
        )
    if begun:
        return AnswerLost(problem_of(error, way))
    return unreachable(cause_of(error, way))


def unreachable(cause: Cause) -> Unreachable:
    """Return the error for a connection that was not made."""
    return Unreachable(
        f"Customer.io could not be reached, so nothing was sent: {cause.words}.",
        next_step=cause.next_step,
    )


def problem_of(error: Exception, way: Way) -> str:
    """Return a sentence that says how an answer was lost."""
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
        return f"Customer.io did not answer in time ({way.host})."
    return f"The connection broke before Customer.io's answer arrived ({way.host})."
