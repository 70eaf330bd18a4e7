"""Who may call: credentials, and the names by which a browser reaches the local Customer.io."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
from urllib.parse import urlsplit

from ..options import Options
from ..refusal import Refused
from ..store.store import GENERATION
from .http import Request


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own, which no other machine reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_person(options: Options, request: Request, what: str, *, is_exposed: bool) -> None:
    """Refuse a request for the control routes or the console that is not the user's.

    On loopback, what a web page could send is refused. Where other machines reach the server, the
    App API key is needed: as a bearer token, or as the password of Basic, for which browsers ask.

    Args:
        options: the options, with the key.
        request: the request.
        what: what is asked for, in the plural or as "the console".
        is_exposed: whether other machines reach the server.
    """
    if not is_exposed:
        check_names(request, f"{what} for loopback only")
        return
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise Refused(f"{what} for no other website: check the Origin header", "forbidden")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip().encode()
    if scheme.lower() == "basic":
        given = _decode(token.strip()).partition(b":")[2]
    if not hmac.compare_digest(given, options.app_api_key.encode()):
        raise Refused(
            f"{what} for who has the App API key: give it as a bearer token, or in a browser as "
            "the password of any user",
            "unauthorized",
        )


def check_names(request: Request, advice: str) -> None:
    """Refuse a request that a web page could make a browser send.

    A foreign Host is DNS rebinding, a foreign Origin another site's script. No browser leaves out
    the Host.

    Args:
        request: the request.
        advice: what the refusal says first.
    """
    for name in ("host", "origin"):
        given = request.headers.get(name)
        if given is not None and not is_loopback(_host(given, name) or ""):
            raise Refused(f"{advice}: check the {name.title()} header", "forbidden")


def check_page(options: Options, request: Request) -> None:
    """Refuse what a web page could send while the keys are the well-known ones."""
    if options.has_known_key:
        check_names(
            request,
            "with the well-known keys only this machine's own names are served; for others set the "
            "options track_api_key and app_api_key",
        )


def _host(given: str, name: str) -> str | None:
    try:
        return urlsplit(given if name == "origin" else f"//{given}").hostname
    except ValueError:
        return None


def site_id(options: Options, generation: str) -> str:
    """The Track API's user name: a default one has the digits of the workspace's generation."""
    named = options.site_id
    return f"{named}-{generation}" if named == Options.site_id else named


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
    """Refuse a request without the App API key, or with the key that has no scope.

    A service account's token also needs a workspace (fact workspace-header). The one that everybody
    knows is taken only beside the App API key that everybody knows.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip().encode() if scheme.lower() == "bearer" else b""
    if hmac.compare_digest(given, options.restricted_app_key.encode()):
        raise Refused("the API key does not have the scope for this request", "forbidden")
    if options.takes_service_account and hmac.compare_digest(
        given, options.service_account_token.encode()
    ):
        _check_workspace(options, request.headers.get("x-workspace-id", ""))
    elif not hmac.compare_digest(given, options.app_api_key.encode()):
        raise Refused("unauthorized", "unauthorized")


def _check_workspace(options: Options, number: str) -> None:
    """Refuse a service account's call that names no workspace, or another one."""
    if not number.strip().isdigit():
        raise Refused("workspace_id is required")
    if int(number) != options.environment_id:
        raise Refused("the service account has no access to this workspace", "forbidden")


def _decode(token: str) -> bytes:
    padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_" if {"-", "_"} & set(token) else None)
    except (binascii.Error, ValueError):
        return b""
