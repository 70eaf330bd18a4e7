"""Strict limits answer 429 as the documented ones do, and are relaxed unless asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from tests.support.sandbox_api import Api


@pytest.mark.parametrize(
    ("call", "limit"),
    [
        (lambda api: api.app("GET", "/v1/segments"), 10),
        (lambda api: api.app("POST", "/v1/send/email", {}), 100),
    ],
)
def test_strict_limits_answer_429_until_the_second_is_over(
    api: Api, call: Callable[[Api], requests.Response], limit: int
) -> None:
    """App 10 a second, send endpoints 100."""
    api.sandbox.configure(rate_limits="strict")
    statuses = [call(api).status_code for _ in range(limit + 2)]
    assert 429 not in statuses[:limit]
    assert statuses[limit:] == [429, 429]
    assert "Retry-After" not in call(api).headers
    api.sandbox.clock.advance(1)
    assert call(api).status_code == statuses[0]


def test_the_track_limit_is_a_thousand_and_counts_apart(api: Api) -> None:
    """T: 1000 a second."""
    from customerio_tool.sandbox.serving.http import Request

    api.sandbox.configure(rate_limits="strict")
    request = Request(
        "GET", "/api/v1/accounts/region", {"authorization": api.basic()["Authorization"]}
    )
    statuses = [api.sandbox.application.handle(request).status for _ in range(1001)]
    assert (set(statuses[:1000]), statuses[1000]) == ({200}, 429)
    assert api.app("GET", "/v1/segments").status_code == 200


def test_limits_are_relaxed_unless_asked_for(api: Api) -> None:
    assert {api.app("GET", "/v1/segments").status_code for _ in range(30)} == {200}


def test_a_refused_request_makes_no_difference_to_the_limit(api: Api) -> None:
    api.sandbox.configure(rate_limits="strict")
    for _ in range(12):
        api.raw("GET", "/v1/segments")  # 401
    assert api.app("GET", "/v1/segments").status_code == 200
