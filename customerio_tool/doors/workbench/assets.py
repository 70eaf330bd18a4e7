"""The style sheets and the script of the workbench; the look is the console's."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from customerio_tool.doors.workbench.rendering import FOLDER
from customerio_tool.sandbox.console.rendering import FOLDER as CONSOLE
from customerio_tool.sandbox.console.visit import PRIVATE

_KINDS = {".css": "text/css", ".js": "text/javascript"}
_FILES = (
    CONSOLE / "static" / "console.css",
    FOLDER / "static" / "workbench.css",
    FOLDER / "static" / "workbench.js",
)


def _route(file: Path) -> Route:
    async def asset(_: Request) -> Response:
        return Response(file.read_bytes(), media_type=_KINDS[file.suffix], headers=dict(PRIVATE))

    return Route(f"/assets/{file.name}", asset)


ROUTES = [_route(file) for file in _FILES]
