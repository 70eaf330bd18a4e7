"""The console's table of pages, in the words of ``routes``."""

from __future__ import annotations

from collections.abc import Callable

from ..serving.http import app_errors
from ..serving.routes import Handler, Routes

_PAGE = "docs/guides/testing.md"


class Pages(Routes):
    """The pages of one module, filled by the decorators ``get`` and ``post``."""

    def __init__(self) -> None:
        super().__init__("control", app_errors)

    def get(self, path: str) -> Callable[[Handler], Handler]:
        """Show a page."""
        return self.route("GET", path, operation=f"GET {path}", source=_PAGE)

    def post(self, path: str) -> Callable[[Handler], Handler]:
        """Take a form."""
        return self.route("POST", path, operation=f"POST {path}", source=_PAGE)
