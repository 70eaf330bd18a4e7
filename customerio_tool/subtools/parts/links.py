"""Types of the URLs that go to Customer.io or to a phone; this package never fetches them."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator

from customerio_tool.subtools.declare import Line, Problem

_PUBLIC_HOST = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})"
)
"""A domain name. Its last label has no digits unless it is punycode, so it is no IP address."""

_PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa")


def _https(url: str) -> str:
    _parts(url, "https://example.com/picture.png")
    return url


def _public(url: str) -> str:
    parts = _parts(url, "https://files.example.com/people.jsonl")
    host = parts.hostname or ""
    is_domain_name = parts.netloc.isascii() and _PUBLIC_HOST.fullmatch(host)
    if not is_domain_name or f".{host}".endswith(_PRIVATE_ENDINGS):
        raise Problem(
            "has a host that is not public", "use a public domain name, not an IP address"
        )
    return url


def _parts(url: str, example: str) -> SplitResult:
    fix = f"send an address such as {example}"
    if re.search(r"[\s\\]", url):
        raise Problem("holds a space or backslash", fix)
    try:
        parts = urlsplit(url)
        is_https = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_https = False
    if not is_https:
        raise Problem("is not an https address", fix)
    if "@" in parts.netloc:
        raise Problem("holds a user name or password", fix)
    return parts


HttpsUrl: TypeAlias = Annotated[Line, AfterValidator(_https)]
"""An https URL without credentials."""

PublicUrl: TypeAlias = Annotated[Line, AfterValidator(_public)]
"""An https URL without credentials, on a domain name outside private networks."""
