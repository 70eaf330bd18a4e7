"""Fills requests from checked parts: `requests` itself would parse and quote each URL once more."""

from __future__ import annotations

from string import ascii_letters, digits

import requests
from requests.structures import CaseInsensitiveDict

from customerio_tool.connection.connection import Connection
from customerio_tool.connection.exchange import Request
from customerio_tool.errors import FieldProblem
from customerio_tool.patterns import pattern
from customerio_tool.secret import Secret
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.problems import refuse
from customerio_tool.version import DISTRIBUTION, __version__

_UNRESERVED = "2D|2E|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE]"
_PLAIN = r"[A-Za-z0-9._~!$&'()*+,;=:@-]*"
_ENCODED = rf"%(?!{_UNRESERVED})[0-9A-F]{{2}}"
_SEGMENT = rf"/(?!\.{{0,2}}(?:/|\Z)){_PLAIN}(?:{_ENCODED}{_PLAIN})*"
_UNENCODED = frozenset(f"/{ascii_letters}{digits}._~!$&'()*+,;=:@-")
_NO_SEGMENTS = frozenset(("", ".", ".."))
_PATH = pattern(rf"(?:{_SEGMENT})+")
_QUERY = pattern(rf"[/?]*{_PLAIN}(?:(?:{_ENCODED}|[/?]){_PLAIN})*")


def _goes_as_it_is(target: str) -> bool:
    """Whether a target goes to the wire as it is: what needs it is encoded, and nothing else is.

    No segment is empty, `.` or `..`. In every other, `requests`, urllib3 or a proxy may change
    something.
    """
    path, _, query = target.partition("?")
    return _is_path(path) and (not query or _QUERY.fullmatch(query) is not None)


def _is_path(path: str) -> bool:
    if not _UNENCODED.issuperset(path):
        return _PATH.fullmatch(path) is not None
    first, *segments = path.split("/")  # a glance: to compile the pattern costs a start
    return not first and bool(segments) and _NO_SEGMENTS.isdisjoint(segments)


class FilledRequest(requests.PreparedRequest):
    """A request to an origin, with nothing left to prepare.

    Args:
        request: The request.
        origin: Where it goes.
        headers: The headers of all such requests; a length is added.
    """

    def __init__(self, request: Request, origin: str, headers: Secret[dict[str, str]]) -> None:
        super().__init__()
        self.method = request.method
        self.url = origin + request.target
        self.headers = CaseInsensitiveDict(headers.reveal())
        self.body = request.body
        if (length := request.declared_length) is not None:
            self.headers["Content-Length"] = length


class Preparer:
    """Checks the requests of a connection, and gives their headers.

    Args:
        connection: Gives the credentials.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._headers: dict[tuple[Api, bool], Secret[dict[str, str]]] = {}

    def headers(self, request: Request) -> Secret[dict[str, str]]:
        """Return the headers of a request, but for the length of its body.

        Raises:
            ArgumentsInvalid: The path of the request would change on its way to the wire.
            ConnectionInvalid: The connection has no credentials of that API.
        """
        if not _goes_as_it_is(request.target):
            problem = "make a path that changes on its way to the wire"
            refuse([FieldProblem("arguments", problem, "send plain identifiers")])
        kind = (request.api, request.body is not None)
        if kind not in self._headers:
            self._headers[kind] = self._checked_headers(*kind)
        return self._headers[kind]

    def _checked_headers(self, api: Api, has_body: bool) -> Secret[dict[str, str]]:
        """Return the headers of an API's requests, which `requests` checks here, once."""
        checked = requests.PreparedRequest()
        checked.prepare_headers(
            {
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                **self._connection.headers(api),
                "User-Agent": f"{DISTRIBUTION}/{__version__}",
                **({"Content-Type": "application/json"} if has_body else {}),
            }
        )
        return Secret(dict(checked.headers))
