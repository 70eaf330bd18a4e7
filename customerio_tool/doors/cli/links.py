"""Prints the links that let a browser into the workbench, and opens the first."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable

from customerio_tool.doors.cli.display import tell


class LinkPrinter:
    """Prints the link of the workbench: the first with all addresses, a later one by itself.

    Args:
        url: The address of the server.
        tell_ready: Called with the first link; it prints what else there is to know.
        opens: Whether the first is opened in a browser, where there is a desktop.
    """

    def __init__(self, url: str, tell_ready: Callable[[str], None], *, opens: bool = False) -> None:
        self._url = url
        self._tell_ready = tell_ready
        self._opens = opens
        self._is_first = True

    def announce(self, token: str) -> None:
        """Print the link of a token."""
        link = f"{self._url}/?token={token}"
        if not self._is_first:
            tell(f"The link was used. The next browser may use: {link}")
            return
        self._is_first = False
        self._tell_ready(link)
        if self._opens and has_desktop():
            webbrowser.open(link)


def has_desktop() -> bool:
    """Whether a browser would have a window; one of text would take over the terminal."""
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform in ("darwin", "win32") or bool(has_display)
