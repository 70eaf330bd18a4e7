"""The application of the workbench: it lets a browser in, and finds the page that is asked for."""

from __future__ import annotations

import hmac
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from itertools import groupby
from urllib.parse import urlsplit

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from customerio_tool.doors.workbench import assets
from customerio_tool.doors.workbench.admission import Admission
from customerio_tool.doors.workbench.live import Listeners
from customerio_tool.doors.workbench.pages import (
    agent,
    approvals,
    calls,
    connections,
    start,
    tool,
    trying,
)
from customerio_tool.doors.workbench.routing import Handler, Page, Pages
from customerio_tool.doors.workbench.visit import Refused, Visit, page
from customerio_tool.doors.workbench.workspaces import Workspaces

_log = logging.getLogger("customerio_tool")

_LARGEST_FORM = 3_000_000
"""Bytes of a form: the most that a call's arguments may have, as at /api."""

_FORM_SECONDS = 10.0
"""How long a form may take to come: one that never does would hold up the stop of the server."""

_PAGES: tuple[Pages, ...] = (
    start.PAGES,
    connections.PAGES,
    tool.PAGES,
    trying.PAGES,
    approvals.PAGES,
    calls.PAGES,
    agent.PAGES,
)


def workbench_app(
    workspaces: Workspaces, admission: Admission, environ: Mapping[str, str] | None = None
) -> Starlette:
    """Return the application. What serves it must check `Host` and `Origin`, as `Access` does.

    Args:
        workspaces: The workspaces, at least one.
        admission: Lets browsers in.
        environ: The environment, by default that of the process.
    """
    site = _Site(workspaces, admission, os.environ if environ is None else environ)
    routes = [
        Route(path, site.answering(list(of_path)), methods=["GET", "POST"])
        for path, of_path in groupby(all_pages(), key=lambda each: each.path)
    ]
    live = Route("/live", site.live, methods=["GET"])
    return Starlette(
        routes=[*assets.ROUTES, live, *routes], lifespan=lambda _: _until_closed(workspaces)
    )


@asynccontextmanager
async def _until_closed(workspaces: Workspaces) -> AsyncIterator[None]:
    yield
    await run_in_threadpool(workspaces.close)


def all_pages() -> list[Page]:
    """Return every page and form of the workbench, by path."""
    return sorted((each for pages in _PAGES for each in pages), key=lambda each: each.path)


class _Site:
    """All pages of one workbench."""

    def __init__(
        self, workspaces: Workspaces, admission: Admission, environ: Mapping[str, str]
    ) -> None:
        self._workspaces = workspaces
        self._admission = admission
        self._environ = environ
        self._listeners = Listeners(workspaces, admission.is_in)

    async def live(self, request: Request) -> Response:
        """Tell a page of a browser that was let in what changes while it is open."""
        try:
            visit = await self._visit(request)
        except Refused as refused:
            return Response(status_code=refused.status)
        return self._listeners.listen(visit.form_key)

    def answering(self, pages: list[Page]) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers the requests of one path."""
        handlers = {each.method: each.handler for each in pages}

        async def answer(request: Request) -> Response:
            token = request.query_params.get("token")
            if token is not None and request.method == "GET":
                return self._let_in(request, token)
            try:
                visit = await self._visit(request)
                handler = handlers.get("GET" if request.method == "HEAD" else request.method)
                if handler is None:
                    words = "This address takes no such request."
                    raise Refused(words, HTTPStatus.METHOD_NOT_ALLOWED)  # noqa: TRY301 - one page for all
                return await run_in_threadpool(_handled, handler, visit)
            except Refused as refused:
                return page("refused", refused.status, words=refused.words)
            except ClientDisconnect:
                return Response(status_code=HTTPStatus.BAD_REQUEST)
            except Exception:
                _log.exception("a page of the workbench failed")
                words = "This page failed: see the log of the workbench."
                return page("refused", HTTPStatus.INTERNAL_SERVER_ERROR, words=words)

        return answer

    def _let_in(self, request: Request, token: str) -> Response:
        """Answer the printed link: a cookie for its first visitor, and the way to the start.

        The way is a page and no redirect: a browser that came from another site's page sends a
        strict cookie only with what our own page asks for.
        """
        if request.headers.get("sec-purpose", "").startswith("prefetch"):
            return page("refused", HTTPStatus.FORBIDDEN, words="The link is not opened ahead.")
        cookie = self._admission.enter(token)
        if cookie is None:
            words = "This link was used or replaced already. The terminal shows the one that works."
            return page("refused", HTTPStatus.FORBIDDEN, words=words)
        answer = page("entered")
        answer.set_cookie(cookie_name(request), cookie, httponly=True, samesite="strict", path="/")
        return answer

    async def _visit(self, request: Request) -> Visit:
        """Return the visit of a browser that was let in, with a form of our own page.

        Raises:
            Refused: It was not let in, or another page made the form.
            ClientDisconnect: The browser left.
        """
        form_key = self._admission.form_key(request.cookies.get(cookie_name(request), ""))
        if form_key is None:
            words = "Open the workbench by the link that the terminal shows; each works once."
            raise Refused(words, HTTPStatus.UNAUTHORIZED)
        body = await _body_of(request) if request.method == "POST" else b""
        visit = Visit(request, self._workspaces, form_key, body, self._environ)
        if request.method == "POST":
            _refuse_foreign(visit)
        return visit


def _handled(handler: Handler, visit: Visit) -> Response:
    visit.refuse_keys()
    return handler(visit)


def cookie_name(request: Request) -> str:
    """Return the name of the cookie: browsers send one to all ports of a host."""
    return f"customerio_workbench_{request.url.port or ''}"


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    with anyio.move_on_after(_FORM_SECONDS):
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_FORM:
                words = f"The form has more than {_LARGEST_FORM:,} bytes."
                raise Refused(words, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return bytes(body)
    words = f"The form did not come whole within {_FORM_SECONDS:g} seconds."
    raise Refused(words, HTTPStatus.REQUEST_TIMEOUT)


def _refuse_foreign(visit: Visit) -> None:
    """Refuse a form that a page of another site or port could have sent."""
    headers = visit.request.headers
    origin, from_where = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        raise Refused("This form came from another page.", HTTPStatus.FORBIDDEN)
    if from_where not in ("same-origin", "none"):
        raise Refused("This form came from another site.", HTTPStatus.FORBIDDEN)
    if not hmac.compare_digest(visit.field("form_key").encode(), visit.form_key.encode()):
        words = "This form is of an earlier visit: load its page again."
        raise Refused(words, HTTPStatus.FORBIDDEN)
