"""A browser at the workbench of another process, let in by the link that it printed."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

import requests

from tests.support.pages import Page
from tests.support.timeouts import PATIENCE


class Visitor:
    """Opens the printed link, and then pages and forms.

    Args:
        ready: What the process printed: its `url`, and the link as `workbench`.
    """

    def __init__(self, ready: Mapping[str, str]) -> None:
        self.url = ready["url"]
        self.session = requests.Session()
        assert self.session.get(ready["workbench"], timeout=PATIENCE).ok

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.session.close()

    def get(self, path: str) -> str:
        """Return the words of a page."""
        return Page(self.session.get(self.url + path, timeout=PATIENCE)).words

    def send(self, path: str, **fields: str) -> str:
        """Send a form of the page at a path, and return the words of the page that it leads to."""
        page = Page(self.session.get(self.url + path, timeout=PATIENCE))
        key = page.all("input", name="form_key")[0]["value"]
        form = {"form_key": key, **fields}
        return Page(self.session.post(self.url + path, form, timeout=PATIENCE)).words
