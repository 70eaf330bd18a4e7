"""The credentials of a request: site id and key on Track, a bearer token on App."""

from __future__ import annotations

import base64
import binascii
import hmac
import re

from .http import Request
from .options import Options
from .refusal import Refused
from .store import GENERATION


def check_basic(options: Options, request: Request) -> None:
    """Refuse a request without Basic ``site_id:key``. The Go client sends URL-safe base64.

    The default site id is taken with the digits of any generation: a printed or saved one stays
    valid.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = _decode(token.strip()) if scheme.lower() == "basic" else b""
    site = re.escape(options.site_id)
    if options.site_id == Options.site_id:
        site += f"(?:-{GENERATION})?"
    pair = re.fullmatch(f"{site}:(.*)".encode(), given, re.DOTALL)
    if pair is None or not hmac.compare_digest(pair[1], options.track_api_key.encode()):
        raise Refused("Unauthorized request", "unauthorized")


def check_bearer(options: Options, request: Request) -> None:
    """Refuse a request without the App API key, or with the key that has no scope."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip().encode() if scheme.lower() == "bearer" else b""
    if hmac.compare_digest(given, options.restricted_app_key.encode()):
        raise Refused("the API key does not have the scope for this request", "forbidden")
    if not hmac.compare_digest(given, options.app_api_key.encode()):
        raise Refused("unauthorized", "unauthorized")


def _decode(token: str) -> bytes:
    padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_" if {"-", "_"} & set(token) else None)
    except (binascii.Error, ValueError):
        return b""
