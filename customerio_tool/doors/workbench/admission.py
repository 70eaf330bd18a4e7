"""Who may see the workbench: the browser that opened the printed link, and no other."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from threading import Lock

_MOST_BROWSERS = 20
"""How many browsers may be in at once; one more, and the first of them is out."""


class Admission:
    """Lets browsers in by links that work once, and knows them by a cookie afterwards.

    It keeps digests of what it handed out, so that its memory opens nothing.

    Args:
        announce: Called with the token of each new link, for the person at the terminal: at the
            start, and when a link was used. So that person learns that somebody came in.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._link = b""
        self._keys: dict[bytes, str] = {}  # of each cookie, what the forms of its pages carry
        self._lock = Lock()

    def invite(self) -> None:
        """Make a link, and announce it; the one before it works no longer."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._link = _digest(token)
        self._announce(token)

    def enter(self, token: str) -> str | None:
        """Return a new cookie for the token of the link; None if it is not that, or was used."""
        with self._lock:
            if not self._link or not hmac.compare_digest(_digest(token), self._link):
                return None
            self._link = b""
            cookie = secrets.token_urlsafe(32)
            self._keys[_digest(cookie)] = secrets.token_urlsafe(32)
            if len(self._keys) > _MOST_BROWSERS:
                del self._keys[next(iter(self._keys))]
        self.invite()
        return cookie

    def form_key(self, cookie: str) -> str | None:
        """Return what a form must carry that a browser with this cookie sends; None if it is out.

        Only a page of the workbench shows it, so no other site's page can make such a form.
        """
        with self._lock:
            return self._keys.get(_digest(cookie))

    def is_in(self, form_key: str) -> bool:
        """Whether the browser whose pages carry this is still in."""
        with self._lock:
            return form_key in self._keys.values()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
