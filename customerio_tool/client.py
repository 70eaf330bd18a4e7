"""The only HTTP: one shared `requests` session, which sends a request once and reads its reply."""

from __future__ import annotations

import ssl
import threading
from types import TracebackType
from urllib.parse import urljoin

import requests
import urllib3.exceptions
from requests.utils import get_environ_proxies

from customerio_tool.arguments import refuse
from customerio_tool.connection import REGIONS, Api, Connection, Region
from customerio_tool.deadline import Deadline
from customerio_tool.errors import CredentialsRejected, CustomerIoError, FieldProblem, Unreachable
from customerio_tool.transport import new_session
from customerio_tool.wire import Reply, Request, json_of

MAX_REPLY_BYTES = 10_000_000
"""Bytes of a reply, unpacked, after which reading stops."""

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
_REDIRECTS = (301, 302, 307, 308)

_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    ssl.SSLCertVerificationError,
    urllib3.exceptions.EmptyPoolError,
    urllib3.exceptions.ClosedPoolError,
)


class AnswerLost(Exception):
    """The request may have arrived, and its answer is not known; the text says how it was lost."""


class Client:
    """Sends requests for one connection.

    Args:
        connection: The credentials, region and hosts.
        session: A session to share; by default the client makes and owns one. Nothing of the
            connection is stored on it.

    The proxies of the environment are read once, when the client is made.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        session: requests.Session | None = None,
    ) -> None:
        self.connection = connection
        self._owned = session is None
        self._session = session or new_session()
        self._region: Region | None = connection.region
        self._asking = threading.Lock()
        self._proxies = {o: get_environ_proxies(o) for o in connection.origins()}

    def __enter__(self) -> Client:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the session if the client made it."""
        self.close()

    def close(self) -> None:
        """Close the connections of a session that the client made itself."""
        if self._owned:
            self._session.close()

    def exchange(self, request: Request, deadline: Deadline) -> Reply:
        """Send one request once and return its reply, whatever the status.

        A redirect to the other region's host of the same API is followed once, with method, body
        and credentials; any other is returned as it came.

        Raises:
            Unreachable: No connection was made, so nothing was sent.
            AnswerLost: The request may have arrived.
            CredentialsRejected: The region had to be asked for, and the credentials are wrong.
        """
        region = self.region(request.api, deadline)
        origin = self.connection.base_url(request.api, region)
        reply = self._send(request, origin, deadline)
        other = self._redirected(request, origin, reply)
        return self._send(request, other, deadline) if other else reply

    def _redirected(self, request: Request, origin: str, reply: Reply) -> str | None:
        """Return the origin to go to where the same request belongs to the other region's host."""
        if reply.status not in _REDIRECTS:
            return None
        location = urljoin(origin + request.target, reply.headers.get("Location", ""))
        others = (self.connection.base_url(request.api, region) for region in REGIONS)
        return next((o for o in others if o != origin and location == o + request.target), None)

    def region(self, api: Api, deadline: Deadline) -> Region:
        """Return the region of the account, asking Customer.io once where the connection has none.

        Only credentials travel for this, no personal data: with a Track key to
        `accounts/region`, which answers on either host; without one, a read of the segments on
        both App hosts in turn.
        """
        if self.connection.has_own_host(api):
            return self._region or "us"
        with self._asking:
            self._region = self._region or self._ask_region(deadline)
        return self._region

    def _ask_region(self, deadline: Deadline) -> Region:
        if Api.TRACK in self.connection.apis:
            return self._region_of_track_key(deadline)
        for region in REGIONS:
            probe = Request(Api.APP, "GET", "/v1/segments")
            if self.exchange_in(region, probe, deadline).status == requests.codes.ok:
                return region
        raise CredentialsRejected(
            "Customer.io rejected the App key in both regions. Check app_api_key of the connection."
        )

    def _region_of_track_key(self, deadline: Deadline) -> Region:
        for region in REGIONS:
            reply = self.exchange_in(region, REGION_PROBE, deadline)
            told = json_of(reply)
            if reply.status == requests.codes.ok and isinstance(told, dict):
                return "eu" if told.get("region") == "eu" else "us"
        raise CredentialsRejected(
            "Customer.io did not accept the Track credentials in either region, so the account's "
            f"region is not known (HTTP {reply.status}). Check site_id and track_api_key of the "
            "connection, or set its region.",
            http_status=reply.status,
        )

    def exchange_in(self, region: Region, request: Request, deadline: Deadline) -> Reply:
        """Send one request once to the hosts of a region."""
        try:
            return self._send(request, self.connection.base_url(request.api, region), deadline)
        except AnswerLost as lost:
            problem = str(lost)
        raise Unreachable(f"The account's region could not be read: {problem}")

    def _send(self, request: Request, origin: str, deadline: Deadline) -> Reply:
        prepared = self._prepared(request, origin)
        if deadline.passed():
            raise Unreachable("The time for this call ran out before anything was sent.")
        try:
            response = self._session.send(
                prepared,
                timeout=(
                    min(CONNECT_SECONDS, deadline.left()),
                    min(READ_SECONDS, deadline.left()),
                ),
                allow_redirects=False,
                stream=True,
                verify=self.connection.ca_file or True,
                proxies=self._proxies[origin],
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            failure = failure_of(error)
        else:
            return self._read(response, deadline)
        raise failure

    def _prepared(self, request: Request, origin: str) -> requests.PreparedRequest:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Authorization": self.connection.authorization(request.api),
            "User-Agent": USER_AGENT,
        }
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        prepared = requests.Request(
            request.method, origin + request.target, headers=headers, data=request.body
        ).prepare()
        if prepared.path_url != request.target:
            problem = "make a path that changes on its way to the wire"
            refuse([FieldProblem("arguments", problem, "send plain identifiers")])
        return prepared

    def _read(self, response: requests.Response, deadline: Deadline) -> Reply:
        body = bytearray()
        failure: Exception = AnswerLost("Customer.io's answer was too long or too slow.")
        try:
            while len(body) <= MAX_REPLY_BYTES and not deadline.passed():
                if not (chunk := response.raw.read1(65_536, decode_content=True)):
                    masked = self.connection.mask(bytes(body))
                    return Reply(response.status_code, response.headers, masked)
                body += chunk
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = failure_of(error)
        finally:
            response.close()
        raise failure


def failure_of(error: Exception) -> CustomerIoError | AnswerLost:
    """Tell what an exception of `requests` means: nothing was sent, or the answer is lost.

    The exception's own text, which holds the path, is not passed on.
    """
    if isinstance(error, requests.ConnectTimeout) or any(
        isinstance(cause, _NOT_SENT) for cause in _causes(error)
    ):
        return Unreachable("Customer.io could not be reached, so nothing was sent.")
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return AnswerLost("Customer.io did not answer in time.")
    return AnswerLost("The connection broke before Customer.io's answer arrived.")


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


REGION_PROBE = Request(Api.TRACK, "GET", "/api/v1/accounts/region")
USER_AGENT = "customerio-tool"
