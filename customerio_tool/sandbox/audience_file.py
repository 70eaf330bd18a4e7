"""Reads a broadcast's ``data_file_url``: JSON Lines, fetched from this machine only.

The sandbox cannot serve the file itself: it fetches the file inside a transaction.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from .limits import AUDIENCE_LINE
from .refusal import Refused

POINTER = "/data/attributes/data_file_url"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SECONDS = 5.0
_MAX_BYTES = 50_000_000  # the vendor takes 10 GB; a test needs less


def read(url: Any) -> list[Any]:
    """The entries of the file, one per line. Raises Refused ``unprocessable`` with a pointer."""
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise _bad("data_file_url must be an http or https URL")
    if urlsplit(url).hostname not in _LOOPBACK:
        raise _bad("data_file_url: the local Customer.io fetches from loopback only")
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=_SECONDS) as response:
            content = response.read(_MAX_BYTES + 1)
    except HTTPError as error:
        error.close()
        raise _bad(f"data_file_url answered {error.code}") from None
    except (OSError, ValueError):
        raise _bad("data_file_url could not be fetched") from None
    if len(content) > _MAX_BYTES:
        raise _bad("data_file_url: the file is too large")
    return [_entry(number, line) for number, line in enumerate(content.splitlines(), 1) if line]


def _entry(number: int, line: bytes) -> Any:
    if len(line) > AUDIENCE_LINE:
        raise _bad(f"line {number}: larger than 2 MB")
    try:
        return json.loads(line)
    except ValueError:
        raise _bad(f"line {number}: not JSON") from None


def _bad(message: str) -> Refused:
    return Refused(message, "unprocessable", pointer=POINTER)
