"""`Client`: the only code that does HTTP. It sends each request once, over a `requests` session."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from itertools import filterfalse
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.request import getproxies

import requests
import urllib3
import urllib3.exceptions
from requests.adapters import BaseAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy

from customerio_tool.connection.answer import Answer, next_decoded
from customerio_tool.connection.causes import INVALID_PROXY, Way, is_proxy
from customerio_tool.connection.connection import Connection
from customerio_tool.connection.doubles import is_doubled, is_seen, refuse_unheeded, replaces_send
from customerio_tool.connection.exchange import REDIRECTS, Reply, Request
from customerio_tool.connection.failures import AnswerLost, failure_of, problem_of, unreachable
from customerio_tool.connection.fields import REGIONS, Region, connection_fields, is_vendor
from customerio_tool.connection.filled import FilledRequest, Preparer
from customerio_tool.connection.masking import KeyMask
from customerio_tool.connection.punctual import Exchange, in_force
from customerio_tool.connection.quiet import silence
from customerio_tool.connection.region import PROBES, region_error, region_from_reply
from customerio_tool.connection.repeating import refuse_repeats
from customerio_tool.connection.transport import Adapter, new_session
from customerio_tool.deadline import Deadline, Timeouts
from customerio_tool.errors import (
    Cancelled,
    ConnectionInvalid,
    CustomerIoError,
    FieldProblem,
    Unreachable,
)
from customerio_tool.locks import ForkSafeLock, renew_in_child
from customerio_tool.secret import Secret
from customerio_tool.subtools.declare import Api

if TYPE_CHECKING:
    from concurrent.futures import Future

MAX_REPLY_BYTES = 10_000_000
"""The most bytes of a reply, decompressed, that are read."""


class Client:
    """Sends requests for one connection.

    Args:
        connection: The credentials, region and hosts.
        session: A session to share; by default the client makes its own and closes it. Only its
            adapters and its client certificate are used: no headers, cookies, auth or hooks.
            Nothing of the connection is stored on it.
        timeouts: The timeouts of one attempt.

    The proxies are read from the environment once, here. A host on this machine gets no proxy.

    A session that `transport.new_session` did not make has these risks:

    - A POST may use a connection that was idle for long, and its outcome may then be unknown.
    - After a fork, parent and child must not both use it: each could read the other's replies.
    - Slow headers, and a host with many addresses, may outlast the deadline.
    - The outcome is unknown after a 102 or 103, a failure of TLS or of a proxy, and a request that
      takes longer to send than the connect timeout.
    - The debug output of `http.client`, if the host enables it, contains credentials.

    Raises:
        ValueError: The session's adapters retry requests.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        session: requests.Session | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.connection = connection
        self.workspace_key = connection.workspace_key
        self._apis = connection.apis
        self.mask = KeyMask(connection)
        self.timeouts = timeouts or Timeouts()
        self._owns_session = session is None
        self._session = session or new_session()
        self._preparer = Preparer(connection)
        for adapter in self._session.adapters.values():
            refuse_repeats(adapter)
        self._log_filter = silence()
        self._lock = ForkSafeLock()
        self._region_answer: Future[Region | None] | None = None
        renew_in_child(self._forget_region)
        self._proxies = _proxies_of(connection.origins())
        self._ways = {origin: _way_to(origin, proxies) for origin, proxies in self._proxies.items()}

    def __enter__(self) -> Client:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """Close the session if the client made it.

        Of a shared one, close the idle connections to hosts that are not Customer.io's: a local
        one may end.
        """
        if self._owns_session:
            self._session.close()
            return
        for origin in filterfalse(is_vendor, self._ways):
            if isinstance(adapter := self._session.get_adapter(origin), Adapter):
                adapter.let_go(origin)

    def warm(self, deadline: Deadline) -> None:
        """Open a connection to the host of each API that has none which a send may use.

        What fails is left to the next call, which says why. It opens nothing through a proxy, nor
        in a session that the host made, nor while a test double is in force.
        """
        if is_doubled(self._session):
            return
        for api in self.connection.apis:
            with suppress(CustomerIoError, urllib3.exceptions.HTTPError, OSError):
                origin = self.connection.base_url(api, self.region(api, deadline))
                adapter = self._session.get_adapter(origin)
                if isinstance(adapter, Adapter) and not self._proxies[origin]:
                    with self._log_filter, in_force(Exchange(deadline)):
                        seconds = min(self.timeouts.connect, deadline.left())
                        adapter.warm(origin, self.connection.ca_file or True, seconds)

    def origin(self, api: Api) -> str:
        """Return the origin of an API's requests; the US one while the region is not known."""
        answer = self._region_answer
        known = answer.result() if answer and answer.done() and not answer.exception() else None
        region = self.connection.region or known or "us"
        return self.connection.base_url(api, region)

    def exchange(self, request: Request, deadline: Deadline) -> Reply:
        """Send one request once and return its reply, of any status.

        A redirect to the same API's host in the other region is followed once, with method, body
        and credentials. Every other redirect is returned as a reply.

        Raises:
            Unreachable: No connection was made, so nothing was sent.
            AnswerLost: The request may have arrived; `partial` is a reply that was cut off.
            CredentialsRejected: The region was not known, and Customer.io refused the credentials.
            ConnectionInvalid: The connection is not for this API, or its CA file is gone, or the
                session repeats requests by itself.
            RuntimeError: A test double is in force that would not hold the request.
        """
        region = self.region(request.api, deadline)
        origin = self.connection.base_url(request.api, region)
        try:
            reply = self._send(request, origin, deadline)
        except AnswerLost as lost:  # a redirect needs no body
            if not (other := self._redirect_origin(request, origin, lost.partial)):
                raise
        else:
            if not (other := self._redirect_origin(request, origin, reply)):
                return reply
        return self._send(request, other, deadline)

    def _redirect_origin(self, request: Request, origin: str, reply: Reply | None) -> str | None:
        """Return the origin of the other region if the reply redirects the same request there."""
        if reply is None or reply.status not in REDIRECTS:
            return None
        location = reply.headers.get("Location", "")
        others = (self.connection.base_url(request.api, region) for region in REGIONS)
        return next((o for o in others if o != origin and location == o + request.target), None)

    def region(self, api: Api, deadline: Deadline) -> Region:
        """Return the region of the account; if the connection has none, ask Customer.io once.

        The request has credentials and no personal data. With a Track key it is a read of
        `accounts/region`, which every Track host answers; without one, a read of the segments on
        each App host in turn. Threads that ask at the same time share one answer.

        Raises:
            CredentialsRejected: Customer.io refused the credentials.
            Unreachable: No host named the region, or none did in time.
            ConnectionInvalid: The connection is not for this API.
        """
        if api not in self._apis:
            self.connection.authorization(api)  # raises, and says which key is missing
        if self.connection.has_own_host(api):
            return "us"  # not used: the operator's own host stands for every region
        return self.connection.region or self._vendor_region(deadline)

    def _vendor_region(self, deadline: Deadline) -> Region:
        from concurrent.futures import Future  # needed only where no field names the region

        while True:
            with self._lock:
                is_asked = self._region_answer is not None
                answer = self._region_answer = self._region_answer or Future()
            if not is_asked:
                return self._settle_region(answer, deadline)
            if region := _waited_for(answer, deadline):
                return region
            # The thread that asked has failed; this one asks within its own deadline.

    def _forget_region(self) -> None:
        """Ask again in a forked child: the thread that was asking exists only in the parent."""
        self._region_answer = None

    def _settle_region(self, answer: Future[Region | None], deadline: Deadline) -> Region:
        """Ask for the region, and give it to every thread that waits; None after a failure."""
        region: Region | None = None
        try:
            region = self._probe_regions(deadline)
        finally:
            if region is None:
                self._region_answer = None
            answer.set_result(region)
        return region

    def _probe_regions(self, deadline: Deadline) -> Region:
        api = Api.TRACK if Api.TRACK in self.connection.apis else Api.APP
        statuses: list[int] = []
        failures: list[Unreachable | AnswerLost] = []
        for region in self.regions(api):
            try:
                reply = self.exchange_in(region, PROBES[api], deadline)
            except (Unreachable, AnswerLost) as failure:
                failures.append(failure)
                continue
            if region_found := region_from_reply(api, region, reply):
                return region_found
            statuses.append(reply.status)
        raise region_error(api, statuses, failures)

    def regions(self, api: Api) -> list[Region]:
        """Return the regions to try, one for each distinct host, the connection's own first."""
        order = sorted(REGIONS, key=lambda region: region != self.connection.region)
        hosts = {self.connection.base_url(api, region): region for region in reversed(order)}
        return list(reversed(hosts.values()))

    def exchange_in(self, region: Region, request: Request, deadline: Deadline) -> Reply:
        """Send one request once to the host of a region; raises like `exchange`."""
        return self._send(request, self.connection.base_url(request.api, region), deadline)

    def _send(self, request: Request, origin: str, deadline: Deadline) -> Reply:
        if is_vendor(origin):
            refuse_unheeded()
        headers = self._preparer.headers(request)
        adapter = self._session.get_adapter(origin + request.target)
        refuse_repeats(adapter)
        left = deadline.left()
        if not left:
            raise Unreachable("The time for this call ran out before anything was sent.")
        timeout = min(self.timeouts.connect, left), min(self.timeouts.read, left)
        exchange = Exchange(deadline, request.repeats)
        if (way := self._ways[origin]) is None:
            raise unreachable(INVALID_PROXY)
        try:
            with (
                self._log_filter,
                in_force(exchange),
                self._opened(adapter, request, origin, headers, timeout) as response,
            ):
                return self._read_reply(response, deadline, way)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = failure_of(error, begun=exchange.has_begun, way=way)
            # requests checks that the CA file exists before it asks for a connection.
            if exchange.has_begun is None and self._lacks_certificates():
                failure = _certificates_missing(self.connection.ca_file)
        raise failure

    def _lacks_certificates(self) -> bool:
        return not Path(self.connection.ca_file or DEFAULT_CA_BUNDLE_PATH).exists()

    def _opened(
        self,
        adapter: BaseAdapter,
        request: Request,
        origin: str,
        headers: Secret[dict[str, str]],
        timeout: tuple[float, float],
    ) -> Answer | requests.Response:
        """Send a request, and return the answer, whose body is still to be read.

        It goes straight to a connection unless a proxy, a client certificate, an adapter of the
        host or a double in the place of `requests` or urllib3 must see it.
        """
        is_plain = self._session.cert is None and not self._proxies[origin]
        if is_plain and type(adapter) is Adapter and not is_seen(self._session, adapter):
            verify = self.connection.ca_file or True
            return adapter.exchange(origin, request, headers, timeout, verify)
        filled = Secret(FilledRequest(request, origin, headers))
        return self._through(adapter, filled, timeout, self._proxies[origin])

    def _through(
        self,
        adapter: BaseAdapter,
        prepared: Secret[FilledRequest],
        timeout: tuple[float, float],
        proxies: dict[str, str],
    ) -> requests.Response:
        """Send through the session's adapter, not through `Session.send`.

        `Session.send` stores cookies, and reads the whole body of a redirect, of any length, to
        prepare a second request. A test double in its place is obeyed.
        """
        send: Callable[..., requests.Response] = adapter.send
        if replaces_send(self._session):
            send = partial(self._session.send, allow_redirects=False)
        return send(
            prepared.reveal(),
            stream=True,
            timeout=timeout,
            verify=self.connection.ca_file or True,
            cert=self._session.cert,
            proxies=proxies,
        )

    def _read_reply(
        self, response: Answer | requests.Response, deadline: Deadline, way: Way
    ) -> Reply:
        body, status, headers = bytearray(), response.status_code, response.headers
        problem = f"Customer.io's answer was too slow ({way.host})."
        read = _reader(response)
        try:
            while not deadline.passed():
                if not (chunk := read()):
                    return Reply(status, headers, bytes(body), mask=self.mask)
                body += chunk
                if len(body) > MAX_REPLY_BYTES:  # the status alone is still useful
                    return Reply(status, headers, b"", whole=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            problem = problem_of(error, way)
        came = Reply(status, headers, bytes(body), whole=False, mask=self.mask)
        raise AnswerLost(problem, came)


def _proxies_of(origins: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the environment's proxies for each origin; only those of the vendor have any."""
    vendors = set(filter(is_vendor, origins))
    if not (vendors and getproxies()):  # one look instead of eight, and most name none
        return {each: {} for each in origins}
    return {each: get_environ_proxies(each) if each in vendors else {} for each in origins}


def _way_to(origin: str, proxies: dict[str, str]) -> Way | None:
    """Return the way to an origin; None if the URL of the proxy is none."""
    proxy = select_proxy(origin, proxies)
    return None if proxy and not is_proxy(proxy) else Way.to(origin, proxy)


def _reader(response: Answer | requests.Response) -> Callable[[], bytes]:
    """Return what reads the next bytes of a reply, as soon as some have come; none at its end."""
    if isinstance(response, Answer):
        return response.read
    raw = response.raw
    if not isinstance(raw, urllib3.HTTPResponse):  # a test double's
        whole = iter([response.content])
        return lambda: next(whole, b"")
    raw.enforce_content_length = True  # the default only since urllib3 2
    return partial(next_decoded, raw)


def _waited_for(answer: Future[Region | None], deadline: Deadline) -> Region | None:
    """Wait for the region that another thread asks for; None if that thread fails.

    Raises:
        Unreachable: The deadline comes first.
        Cancelled: The host cancels the call first.
    """
    if deadline.awaits(answer):
        return answer.result()
    if deadline.is_cancelled():
        raise Cancelled("The call was cancelled.")
    raise Unreachable("The account's region was not known in time, so nothing was sent.")


def _certificates_missing(ca_file: str | None) -> ConnectionInvalid:
    if ca_file is None:
        problem, fix = (
            "is not given, and the package certifi has lost its file",
            "install it anew",
        )
    else:
        problem = "is not a file that can be read any more"
        fix = connection_fields()["ca_file"].fix
    gone = FieldProblem("ca_file", problem, fix)
    return ConnectionInvalid(f"Nothing was sent. {gone}.", fields=[gone])
