"""Finds the region of an account in the replies to cheap reads, the probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import requests

from customerio_tool.connection.exchange import Reply, Request, json_of
from customerio_tool.connection.fields import REGIONS, Region, connection_fields
from customerio_tool.errors import CredentialsRejected, NextStep, Unreachable
from customerio_tool.subtools.declare import Api

PROBES: Mapping[Api, Request] = {
    Api.TRACK: Request(Api.TRACK, "GET", "/api/v1/accounts/region"),
    Api.APP: Request(Api.APP, "GET", "/v1/segments"),
}
"""For each API a cheap read that proves its credentials; the App API has none for that purpose."""


def region_from_reply(api: Api, region: Region, reply: Reply) -> Region | None:
    """Return the account's region, if the reply to a probe of a region's host proves it.

    The Track API's `accounts/region` names the region. The App API knows a key only in the key's
    own region, and answers with its segments, or 403 if the key's scope excludes segments. The 403
    is reported by users; the vendor does not document it.
    """
    payload = json_of(reply) if reply.status == requests.codes.ok else None
    if api is Api.APP:
        has_segments = isinstance(payload, dict) and "segments" in payload
        is_too_long = reply.status == requests.codes.ok and not reply.whole
        is_known = has_segments or is_too_long or reply.status == requests.codes.forbidden
        return region if is_known else None
    named = payload.get("region") if isinstance(payload, dict) else None
    return next((known for known in REGIONS if known == named), None)


def region_error(
    api: Api, statuses: Sequence[int], failures: Sequence[Exception]
) -> CredentialsRejected | Unreachable:
    """Return the error for a region that no host named.

    One Track host proves a wrong pair by its 401, as it knows every pair. An App key is proved
    wrong only by a 401 of every App host.
    """
    refused = [status == requests.codes.unauthorized for status in statuses]
    refused += [False for _ in failures]
    if any(refused) if api is Api.TRACK else all(refused):
        keys = " and ".join(
            k for k, f in connection_fields().items() if f.api is api and f.required
        )
        return CredentialsRejected(
            "Customer.io rejected the credentials when it was asked for the account's region; "
            f"nothing else was sent. Check {keys} of the connection.",
            http_status=requests.codes.unauthorized,
        )
    status = next(iter(statuses), None)
    reason = str(failures[0]) if failures else f"Customer.io answered HTTP {status}."
    failed = failures[0] if failures else None
    next_step: NextStep = failed.next_step if isinstance(failed, Unreachable) else "wait"
    advice = "" if next_step == "ask_user" else " Try again, or set the region of the connection."
    return Unreachable(
        f"The account's region could not be read, so nothing else was sent. {reason}{advice}",
        next_step=next_step,
        http_status=status,
    )
