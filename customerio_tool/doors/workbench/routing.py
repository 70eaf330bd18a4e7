"""The table of the workbench's pages: each is a function of a visit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.responses import Response

from customerio_tool.doors.workbench.visit import Visit

Handler: TypeAlias = Callable[[Visit], Response]


@dataclass(frozen=True)
class Page:
    """One path and method, and what answers them in a thread of its own."""

    method: str
    path: str
    handler: Handler


class Pages(list[Page]):
    """The pages of one module, filled by the decorators `get` and `post`."""

    def get(self, path: str) -> Callable[[Handler], Handler]:
        """Show a page, or the state of one."""
        return self._taking("GET", path)

    def post(self, path: str) -> Callable[[Handler], Handler]:
        """Take a form; what it carries is checked before."""
        return self._taking("POST", path)

    def _taking(self, method: str, path: str) -> Callable[[Handler], Handler]:
        def taken(handler: Handler) -> Handler:
            self.append(Page(method, path, handler))
            return handler

        return taken
