"""The application of `customerio-tool serve`: all doors over HTTP in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.doors.web.access import Access
from customerio_tool.doors.web.calls import Calls
from customerio_tool.doors.web.openapi import openapi
from customerio_tool.doors.web.page import page
from customerio_tool.tool import CustomerIoTool

_PAGE, _DOCUMENT = "/api", "/api/openapi.json"


def web_app(
    tool: CustomerIoTool,
    *,
    token: str,
    allowed_hosts: Iterable[str] = (),
    doors: Iterable[Starlette] = (),
    pages: Starlette | None = None,
    decided_at: str = "",
    detail: Detail = DEFAULT_DETAIL,
) -> Starlette:
    """Return the application, with JSON calls at `/api`.

    Args:
        tool: The tool, under the policy of this server.
        token: The bearer token of every call.
        allowed_hosts: Names by which clients reach the server, besides those of loopback.
        doors: Further applications, each asked in turn about the paths that are not under `/api`;
            this one checks the token for them, and runs what they do at the start and the end.
        pages: The workbench, if it is served; it lets in by itself, without the token.
        decided_at: The address of its page where a person decides about the calls that wait.
        detail: How much of the definitions the OpenAPI document has.
    """
    further = [*doors, *([pages] if pages else [])]

    async def described(request: Request) -> Response:
        return JSONResponse(openapi(tool, _url_of(request), detail))

    async def shown(request: Request) -> Response:
        return page(tool, _url_of(request))

    return Starlette(
        routes=[
            Route(_PAGE, shown),
            Route(_DOCUMENT, described),
            Route("/api/{subtool}", Calls(tool, decided_at=decided_at).answer, methods=["POST"]),
            Route("/api/{subtool}", _not_by_that_method, methods=_OTHER_METHODS),
            *(route for each in further for route in each.routes),
            Mount("/api", JSONResponse({"error": "There is no such path."}, 404)),
        ],
        middleware=[
            Middleware(
                Access,
                token=token,
                allowed_hosts=allowed_hosts,
                open_paths=(_PAGE, _DOCUMENT),
                own_paths=own_paths_of(pages) if pages else (),
            )
        ],
        lifespan=_lifespan(further),
    )


_OTHER_METHODS = ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")


async def _not_by_that_method(_: Request) -> Response:
    words = "A call is POST, with its arguments as a JSON body."
    return JSONResponse({"error": words}, 405, {"Allow": "POST"})


def own_paths_of(pages: Starlette) -> frozenset[str]:
    """Return the first part of each path of an application that lets in by itself."""
    return frozenset(
        each.path.split("/")[1] for each in pages.routes if isinstance(each, (Route, Mount))
    )


def _url_of(request: Request) -> str:
    """Return the address by which a client reached this server; its `Host` was checked."""
    return str(request.base_url).rstrip("/")


def _lifespan(
    doors: Iterable[Starlette],
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for each in doors:
                await stack.enter_async_context(each.router.lifespan_context(each))
            yield

    return running
