"""Builds the HTTP requests of a call from its declaration and its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from customerio_tool.calls.call import Call
from customerio_tool.connection.exchange import Request
from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools.declare import Args, Endpoint, Pace
from customerio_tool.subtools.declare.endpoint import Retry
from customerio_tool.subtools.declare.json_text import compact


def request_for(call: Call[Any]) -> Request:
    """Return the request that a call sends.

    Raises:
        ArgumentsInvalid: At the time of the call, its arguments make no request.
    """
    try:
        return _built(call)
    except ArgumentsInvalid as error:
        _advise(call, error)
        raise


def _advise(call: Call[Any], error: ArgumentsInvalid) -> None:
    """Give an error the arguments that are certainly meant, if they make a request."""
    if error.instead is None or error.corrected is not None:
        return
    corrected = call.subtool.changed(call.args, error.instead)
    try:
        _built(replace(call, args=call.subtool.parse(corrected)))
    except ArgumentsInvalid:
        return
    error.correct(corrected)


def _built(call: Call[Any]) -> Request:
    subtool, args, at = call.subtool, call.args, call.at
    endpoint = subtool.endpoint_of(args)
    query = subtool.query(args, at) if subtool.query else {}
    body = subtool.body(args, at) if subtool.body else None
    return Request(
        api=endpoint.api,
        method=endpoint.method,
        path=path_for(endpoint, args),
        query=query_text(query),
        body=None if body is None else json_bytes(body),
        pace=subtool.pace,
        template=endpoint.path,
        repeats=subtool.effect.retry is Retry.ALWAYS,
    )


def second_request_for(call: Call[Any]) -> Request | None:
    """Return the second read of a call, if its arguments ask for one."""
    second = call.subtool.second_read
    if second is None or not second.when(call.args):
        return None
    query = second.query(call.args) if second.query else {}
    return _read_request(second.endpoint, call.args, query)


def verify_request_for(call: Call[Any]) -> Request | None:
    """Return the read that shows whether a call took effect; None if the subtool has none."""
    verify = call.subtool.verify
    return None if verify is None else _read_request(verify.endpoint, call.args)


def _read_request(
    endpoint: Endpoint, args: Args, query: Mapping[str, Any] = MappingProxyType({})
) -> Request:
    return Request(
        endpoint.api,
        endpoint.method,
        path_for(endpoint, args),
        query=query_text(query),
        pace=Pace.APP,
        template=endpoint.path,
    )


def path_for(endpoint: Endpoint, args: Args) -> str:
    """Return the path with its slots filled, each value percent-encoded into one segment."""
    if not endpoint.slots:
        return endpoint.path
    return endpoint.path.format(**{slot: encoded(getattr(args, slot)) for slot in endpoint.slots})


def encoded(value: object) -> str:
    """Percent-encode a value, also `/`, `+` and `@`, which have a meaning in a URL."""
    return quote(str(value), safe="")


def query_text(query: Mapping[str, Any]) -> str:
    """Return a query string: None is left out, a boolean is `true` or `false`."""
    given = {name: value for name, value in query.items() if value is not None}
    return "&".join(
        f"{encoded(name)}={encoded(_json_word(value))}" for name, value in given.items()
    )


def _json_word(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def json_bytes(value: Any) -> bytes:
    """Return compact JSON in UTF-8; NaN and infinity raise `ValueError`."""
    return compact(value, allow_nan=False).encode()
