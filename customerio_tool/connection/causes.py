"""Why no connection was made, told from the types of the exceptions, with the host's name."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from urllib3.util.ssl_match_hostname import CertificateError

from customerio_tool.errors import NextStep
from customerio_tool.patterns import pattern
from customerio_tool.records import record


@record(frozen=True)
class Way:
    """The hosts of an exchange by name, without path and password.

    Args:
        host: Customer.io's host.
        proxy: The proxy's host; empty if there is none.
    """

    host: str = "Customer.io"
    proxy: str = ""

    @classmethod
    def to(cls, origin: str, proxy: str | None) -> Way:
        """Return the way to an origin, through the proxy at this URL if there is one."""
        return cls(host_of(origin), host_of(proxy) if proxy else "")


def host_of(url: str) -> str:
    """Return the host and the port of a URL, without its path, user name and password."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        name, port = parts.hostname or "an unnamed host", parts.port
    except ValueError:
        return "an unnamed host"
    name = f"[{name}]" if ":" in name else name
    return name if port is None else f"{name}:{port}"


def is_proxy(url: str) -> bool:
    """Return whether a text is a proxy's URL, whose scheme may be left out.

    requests raises a TypeError for one without a host, and takes a part of a password with a slash
    for the host.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(parts.scheme and name) and re.search(r"\s", url) is None


@record(frozen=True)
class Cause:
    """Why no connection was made.

    Args:
        words: A clause that names the host.
        next_step: `wait` where waiting may mend it, else `ask_user`.
    """

    words: str
    next_step: NextStep = "wait"


INVALID_PROXY = Cause("the URL of the proxy is invalid", "ask_user")


def cause_of(error: BaseException, way: Way) -> Cause:
    """Return the cause of a failure to connect.

    The text of an exception is not used, as it may contain the path, except for the status of a
    proxy's refusal, for which `http.client` has no type.
    """
    found = causes(error)
    if bad := _first(found, ssl.SSLCertVerificationError, CertificateError):
        why = str(getattr(bad, "verify_message", "") or "it is not for this host")
        words = f"the certificate of {way.host} is not trusted ({why.rstrip('.')})"
        return Cause(words, "ask_user")
    if not _first(found, *_OF_PROXIES):
        return _at(way.host, found)
    return _refused_by_proxy(found, way) or _at(f"the proxy {way.proxy}".rstrip(), found)


_OF_PROXIES = (
    requests.exceptions.ProxyError,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.ProxyError,
    urllib3.exceptions.ProxySchemeUnknown,
)
_TUNNEL = pattern(r"Tunnel connection failed: (\d{3})")


def _refused_by_proxy(found: list[BaseException], way: Way) -> Cause | None:
    """Return the cause if the proxy answered, or its URL is none."""
    proxy = f"the proxy {way.proxy}".rstrip()
    if _first(found, requests.exceptions.InvalidSchema):
        return Cause(f"{proxy} needs the Python package PySocks, which is missing", "ask_user")
    if _first(found, requests.exceptions.InvalidProxyURL, urllib3.exceptions.ProxySchemeUnknown):
        return INVALID_PROXY
    texts = [str(each) for each in found if type(each) is OSError]
    answers = [answer for answer in map(_TUNNEL.match, texts) if answer]
    if not answers:
        return None
    status = int(answers[0][1])
    if status == requests.codes.proxy_authentication_required:
        return Cause(f"{proxy} demands a password (HTTP 407)", "ask_user")
    words = f"{proxy} does not connect to {way.host} (HTTP {status})"
    return Cause(words, "wait" if status >= requests.codes.server_error else "ask_user")


def _at(host: str, found: list[BaseException]) -> Cause:
    """Return the cause at the host to which the socket should have been opened."""
    for recognise in _KINDS:
        if cause := recognise(host, found):
            return cause
    return Cause(f"no connection to {host} was made")


def _unknown_name(host: str, found: list[BaseException]) -> Cause | None:
    unknown = _first(found, socket.gaierror, *_NAME_ERRORS)
    if unknown is None:
        return None
    if isinstance(unknown, socket.gaierror) and unknown.errno == socket.EAI_AGAIN:
        return Cause(f"DNS gave no answer for the name of {host}")
    return Cause(f"DNS knows no address of {host}", "ask_user")


def _broken_tls(host: str, found: list[BaseException]) -> Cause | None:
    if not any(isinstance(each, ssl.SSLError) and type(each) not in _CUT for each in found):
        return None
    return Cause(f"{host} does not speak TLS as expected", "ask_user")


def _no_route(host: str, found: list[BaseException]) -> Cause | None:
    numbers = {each.errno for each in found if isinstance(each, OSError)}
    return Cause(f"this machine has no route to {host}") if numbers & _NO_ROUTE else None


def _too_late(host: str, found: list[BaseException]) -> Cause | None:
    # urllib3's NewConnectionError is a kind of its timeout.
    late = [
        each
        for each in found
        if isinstance(each, _TIMEOUTS)
        and not isinstance(each, urllib3.exceptions.NewConnectionError)
    ]
    return Cause(f"{host} did not accept a connection in time") if late else None


_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)


def _kind(words: str, *types: type[BaseException]) -> Callable[..., Cause | None]:
    def recognise(host: str, found: list[BaseException]) -> Cause | None:
        return Cause(words.format(host)) if _first(found, *types) else None

    return recognise


_NAME_ERRORS = tuple(
    kind
    for kind in (
        getattr(urllib3.exceptions, "NameResolutionError", None),  # since urllib3 2
        urllib3.exceptions.LocationParseError,
    )
    if kind
)
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_KINDS: tuple[Callable[[str, list[BaseException]], Cause | None], ...] = (
    _unknown_name,
    _kind("{} refuses connections", ConnectionRefusedError),
    _no_route,
    _broken_tls,
    _kind("{} broke the connection off", ConnectionResetError, BrokenPipeError, *_CUT),
    _too_late,
)


def _first(found: list[BaseException], *types: type[BaseException]) -> BaseException | None:
    return next((each for each in found if isinstance(each, types)), None)


def causes(error: BaseException) -> list[BaseException]:
    """Return an exception and those that it wraps, which urllib3 puts in `args` and `reason`."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        candidate = waiting.pop(0)
        if isinstance(candidate, BaseException) and candidate not in found:
            found.append(candidate)
            waiting += [*candidate.args, getattr(candidate, "reason", None), candidate.__cause__]
            # urllib3 1 raises it while it handles the socket's error, and names no cause.
            if isinstance(candidate, urllib3.exceptions.NewConnectionError):
                waiting.append(candidate.__context__)
    return found
