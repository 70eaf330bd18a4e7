"""Everything on one subtool as a resource, for a client that was shown a part of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import mcp_types as types
from mcp.shared.exceptions import MCPError

from customerio_tool.doors.mcp.running import Request
from customerio_tool.doors.mcp.views import View

URI = "customerio://subtools/"
"""The beginning of the URI of a subtool's resource, before its name."""

_JSON = "application/json"


class Resources:
    """Answers `resources/list` and `resources/read`.

    Args:
        view: Returns what the client of a request is offered.
    """

    def __init__(self, view: Callable[[Request], View]) -> None:
        self._view = view

    async def list_resources(
        self, request: Request, _: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """Return a resource for each subtool of the view."""
        listed = [
            types.Resource(
                uri=f"{URI}{name}",
                name=name,
                title=tool.title,
                description="Every argument and example calls.",
                mime_type=_JSON,
            )
            for name, tool in self._view(request).tools.items()
        ]
        return types.ListResourcesResult(resources=listed)

    async def read_resource(
        self, request: Request, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Return everything on one subtool of the view, as JSON.

        Raises:
            MCPError: The view has no such subtool.
        """
        view, uri = self._view(request), str(params.uri)
        name = uri.removeprefix(URI)
        if not uri.startswith(URI) or name not in view.tools:
            message = f"There is no such resource; resources/list has each as {URI}NAME."
            raise MCPError(code=types.INVALID_PARAMS, message=message)
        text = json.dumps(view.tool.describe(name), ensure_ascii=False)
        content = types.TextResourceContents(uri=uri, mime_type=_JSON, text=text)
        return types.ReadResourceResult(contents=[content])
