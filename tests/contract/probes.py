"""Knows how to ask a running Customer.io whether a free-standing fact holds of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import quote

from tests.support.sandbox_api import Api

Probe: TypeAlias = Callable[[Api], bool]
"""Makes calls over HTTP and tells whether the answers, and what they left behind, fit the fact."""

PROBES: dict[str, Probe] = {}


def shows(fact_id: str) -> Callable[[Probe], Probe]:
    """Register a probe as the one of this fact."""

    def register(probe: Probe) -> Probe:
        assert fact_id not in PROBES, f"{fact_id} has a probe"
        PROBES[fact_id] = probe
        return probe

    return register


def person_path(identifier: str, rest: str = "") -> str:
    return f"/api/v1/customers/{quote(identifier, safe='')}{rest}"


def status(api: Api, method: str, path: str, body: Any = None) -> int:
    """The status of a Track call."""
    return api.track(method, path, body).status_code


def merge(api: Api, primary: dict[str, str], secondary: dict[str, str]) -> int:
    """The status of a merge."""
    body = {"primary": primary, "secondary": secondary}
    return status(api, "POST", "/api/v1/merge_customers", body)
