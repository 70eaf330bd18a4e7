"""The only HTTP: one shared `requests` session, which sends a request once and reads its reply."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar

from customerio_tool.arguments import refuse
from customerio_tool.connection import REGIONS, Api, Connection, Region
from customerio_tool.errors import CredentialsRejected, CustomerIoError, FieldProblem, Unreachable
from customerio_tool.wire import Reply, Request, json_of

MAX_REPLY_BYTES = 10_000_000
"""Bytes of a reply, unpacked, after which reading stops."""

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
POOL_SIZE = 32

_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    ssl.SSLCertVerificationError,
    urllib3.exceptions.EmptyPoolError,
)


class AnswerLost(Exception):
    """The request may have arrived, and its answer is not known; the text says how it was lost."""


class Client:
    """Sends requests for one connection.

    Args:
        connection: The credentials, region and hosts.
        session: A session to share; by default the client makes and owns one. Nothing of the
            connection is stored on it.
        monotonic: The clock, in seconds, that bounds the reading of a slow reply.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        session: requests.Session | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connection = connection
        self._owned = session is None
        self._session = session or new_session()
        self._monotonic = monotonic
        self._region: Region | None = connection.region

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

    def exchange(self, request: Request) -> Reply:
        """Send one request once and return its reply, whatever the status.

        Raises:
            Unreachable: No connection was made, so nothing was sent.
            AnswerLost: The request may have arrived.
            CredentialsRejected: The region had to be asked for, and the credentials are wrong.
        """
        return self._send(request, self.connection.base_url(request.api, self.region(request.api)))

    def region(self, api: Api) -> Region:
        """Return the region of the account, asking Customer.io once where the connection has none.

        Only credentials travel for this, no personal data: with a Track key to
        `accounts/region`, which answers on either host; without one, a read of the segments on
        both App hosts in turn.
        """
        if self._region is None and not self.connection.has_own_host(api):
            self._region = self._ask_region()
        return self._region or "us"

    def _ask_region(self) -> Region:
        if Api.TRACK in self.connection.apis:
            return self._region_of_track_key()
        for region in REGIONS:
            probe = Request(Api.APP, "GET", "/v1/segments")
            if self.exchange_in(region, probe).status == requests.codes.ok:
                return region
        raise CredentialsRejected(
            "Customer.io rejected the App key in both regions. Check app_api_key of the connection."
        )

    def _region_of_track_key(self) -> Region:
        for region in REGIONS:
            reply = self.exchange_in(region, REGION_PROBE)
            told = json_of(reply)
            if reply.status == requests.codes.ok and isinstance(told, dict):
                return "eu" if told.get("region") == "eu" else "us"
        raise CredentialsRejected(
            "Customer.io did not accept the Track credentials in either region, so the account's "
            f"region is not known (HTTP {reply.status}). Check site_id and track_api_key of the "
            "connection, or set its region.",
            http_status=reply.status,
        )

    def exchange_in(self, region: Region, request: Request) -> Reply:
        """Send one request once to the hosts of a region."""
        try:
            return self._send(request, self.connection.base_url(request.api, region))
        except AnswerLost as lost:
            problem = str(lost)
        raise Unreachable(f"The account's region could not be read: {problem}")

    def _send(self, request: Request, origin: str) -> Reply:
        prepared = self._prepared(request, origin)
        try:
            response = self._session.send(
                prepared,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
                verify=self.connection.ca_file or True,
            )
        except requests.RequestException as error:
            failure = failure_of(error)
        else:
            return self._read(response)
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

    def _read(self, response: requests.Response) -> Reply:
        give_up_at = self._monotonic() + READ_SECONDS
        body = bytearray()
        try:
            for chunk in response.iter_content(65_536):
                body += chunk
                if len(body) > MAX_REPLY_BYTES or self._monotonic() > give_up_at:
                    break
            else:
                masked = self.connection.mask(bytes(body))
                return Reply(response.status_code, response.headers, masked)
            failure: Exception = AnswerLost("Customer.io's answer was too long or too slow.")
        except requests.RequestException as error:
            failure = failure_of(error)
        finally:
            response.close()
        raise failure


def new_session() -> requests.Session:
    """Return a session that keeps connections, keeps no cookies and reads no environment."""
    session = requests.Session()
    session.trust_env = False
    jar = RequestsCookieJar()
    jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.cookies = jar
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=POOL_SIZE)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def failure_of(error: requests.RequestException) -> CustomerIoError | AnswerLost:
    """Tell what an exception of `requests` means: nothing was sent, or the answer is lost.

    The exception's own text, which holds the path, is not passed on.
    """
    if isinstance(error, requests.ConnectTimeout) or any(
        isinstance(cause, _NOT_SENT) for cause in _causes(error)
    ):
        return Unreachable("Customer.io could not be reached, so nothing was sent.")
    if isinstance(error, requests.Timeout):
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
