"""One subtool of Customer.io as a tool to paste, which a `customerio-tool serve` runs.

It needs the standard library alone. `CUSTOMERIO_TOOL_URL` is the address of the server, and
`CUSTOMERIO_TOOL_TOKEN` its bearer token; the keys of Customer.io stay on the server.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from customerio_tool.doors.studio.shapes import answer, arguments_in, object_in, run_in

SUBTOOL = ""
ARGUMENTS: Sequence[str] = ()
CAPTURED: Sequence[str] = ()
READS = False

TIMEOUT_SECONDS = 60
"""Longer than any call takes on the server."""
MAX_BYTES = 1_000_000
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Refused(Exception):
    """The call was not made; the arguments are those of `failure`."""


class WithoutRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, so that the token reaches no other server."""

    def redirect_request(self, *given: Any) -> None:
        """Return no request."""


def main(inputs: Any = None, env_variables: Any = None) -> dict[str, Any]:
    """Run the subtool on the server, and return its result; it never raises an `Exception`."""
    try:
        envelope = called(inputs, env_variables)
    except Refused as refused:
        envelope = failure(*refused.args)
    except Exception as error:  # its text may hold a value
        name = type(error).__name__
        words = f"Nothing was sent: {name} while the inputs were read; give plain JSON values."
        envelope = failure("arguments_invalid", words, "fix_arguments")
    return answer(envelope, CAPTURED)


def failure(code: str, summary: str, next_step: str, took_effect: str = "no") -> dict[str, Any]:
    """Return the result of a call that did not succeed."""
    error = {"code": code, "next_step": next_step, "took_effect": took_effect}
    return {"ok": False, "summary": summary, "error": error}


def called(inputs: Any, env_variables: Any) -> Mapping[str, Any]:
    """Return the server's result.

    Raises:
        Refused: The inputs or the variables cannot be used.
    """
    given = object_in(inputs)
    arguments = None if given is None else object_in(arguments_in(given, SUBTOOL, ARGUMENTS))
    if given is None or arguments is None:
        words = "Nothing was sent: the inputs are not an object; give a mapping or a JSON object."
        raise Refused("arguments_invalid", words, "fix_arguments")
    variables = object_in(os.environ if env_variables is None else env_variables) or {}
    request = urllib.request.Request(  # noqa: S310 - `address` refuses other schemes
        address(variables),
        data=json.dumps(arguments).encode(),
        headers={
            "Authorization": f"Bearer {token(variables)}",
            "Content-Type": "application/json",
            **({"X-Run-Id": quote(run)} if (run := run_in(given)) else {}),
        },
    )
    return sent(request)


def address(variables: Mapping[str, Any]) -> str:
    """Return the address of the subtool: https, or http on this machine."""
    base = str(variables.get("CUSTOMERIO_TOOL_URL") or "").strip().rstrip("/")
    parts = urlsplit(base)
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or is_local) or "@" in parts.netloc:
        words = "CUSTOMERIO_TOOL_URL is not the https address of a customerio-tool serve."
        raise Refused("connection_invalid", f"Nothing was sent. {words}", "ask_user")
    return f"{base}/api/{SUBTOOL}"


def token(variables: Mapping[str, Any]) -> str:
    """Return the token of the server."""
    given = str(variables.get("CUSTOMERIO_TOOL_TOKEN") or "").strip()
    if not given or not given.isascii() or not given.isprintable():
        words = "CUSTOMERIO_TOOL_TOKEN is missing, or is not the token of a customerio-tool serve."
        raise Refused("connection_invalid", f"Nothing was sent. {words}", "ask_user")
    return given


def sent(request: urllib.request.Request) -> Mapping[str, Any]:
    """Return the answer to a request, or the failure that its loss means."""
    # A proxy would read the token that goes to this machine without encryption.
    direct = [urllib.request.ProxyHandler({})] if request.type == "http" else []
    opener = urllib.request.build_opener(WithoutRedirects, *direct)
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as reply:
            return envelope_in(reply.read(MAX_BYTES)) or lost("gave no result")
    except urllib.error.HTTPError as error:
        return envelope_in(body_of(error)) or refusal(error.code)
    except Exception as error:
        reason = getattr(error, "reason", error)
    name = type(reason).__name__
    if isinstance(reason, (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)):
        words = f"Nothing was sent: the server cannot be reached ({name})."
        return failure("unreachable", words, "wait")
    return lost(f"did not answer ({name})")


def body_of(error: urllib.error.HTTPError) -> bytes:
    """Return the body of a reply with an error status; b"" if it is lost."""
    try:
        return error.read(MAX_BYTES)
    except Exception:
        return b""


def envelope_in(body: bytes) -> Mapping[str, Any] | None:
    """Return the result in a reply, or None if it holds none."""
    found = object_in(body.decode("utf-8", "replace"))
    if not found or not isinstance(found.get("ok"), bool) or "summary" not in found:
        return None
    return found if found["ok"] or isinstance(found.get("error"), Mapping) else None


def refusal(status: int) -> dict[str, Any]:
    """Return the failure for a status without a result."""
    if status == 401:
        words = "Nothing was sent: the server refused CUSTOMERIO_TOOL_TOKEN."
        return failure("connection_invalid", words, "ask_user")
    if status < 500 and status != 408:
        words = f"Nothing was sent: what is at CUSTOMERIO_TOOL_URL refused it (HTTP {status})."
        return failure("connection_invalid", words, "ask_user")
    return lost(f"failed (HTTP {status})")


def lost(words: str) -> dict[str, Any]:
    """Return the failure for a call whose result is lost: a read changes nothing."""
    if READS:
        return failure("unreachable", f"Nothing was read: the server {words}.", "wait")
    told = f"The server {words}; it is not known whether the call took effect. Look first."
    return failure("outcome_unknown", told, "look_first", "unknown")
