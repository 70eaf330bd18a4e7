"""The result of a dry run: it shows the request of a call, which is not sent."""

from __future__ import annotations

import json
from typing import Any

from customerio_tool.calls.call import Call
from customerio_tool.connection import Connection
from customerio_tool.connection.exchange import Request
from customerio_tool.subtools.declare.vendor_json import fitted


def dry_run_result(call: Call[Any], request: Request, connection: Connection) -> dict[str, Any]:
    """Return the envelope that shows the request of a call, without credentials.

    The body is cut to the size limit of results. Only the request itself is shown: the read of a
    target, a second read and a verifying read are not. The URL has no host if only Customer.io
    knows the region.
    """
    where = _origin(request, connection)
    shown: dict[str, Any] = {
        "method": request.method,
        "url": f"{where}{request.path}",
        **({"query": request.query} if request.query else {}),
        "headers": {"Authorization": "***"},
        **({} if request.body is None else fitted("body", json.loads(request.body))),
    }
    name = call.subtool.name
    summary = f"Nothing was sent: this is a dry run. `request` is what {name} would send."
    if not where:
        summary += " Its host is not known before a first call, as the connection has no region."
    return {
        "ok": True,
        "summary": summary,
        "outcome": "dry_run",
        "request": shown,
        **call.facts(),
    }


def _origin(request: Request, connection: Connection) -> str:
    """Return the origin that the request would go to; empty if the region is not known."""
    if connection.region is None and not connection.has_own_host(request.api):
        return ""
    return connection.base_url(request.api, connection.region or "us")
