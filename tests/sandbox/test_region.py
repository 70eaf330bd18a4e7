"""A sandbox of the wrong region redirects Track, and tells where it is."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import serve
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE


@pytest.mark.parametrize("status", [301, 307])
def test_the_wrong_region_redirects_track_and_tells_where_it_is(api: Api, status: int) -> None:
    """An EU account that calls the US host is redirected; the region call is answered."""
    api.sandbox.configure(
        region="eu", track_redirect_url="https://track-eu.example", track_redirect_status=status
    )
    answer = api.track("PUT", "/api/v1/customers/a%2Fb?x=1", {}, allow_redirects=False)
    assert answer.status_code == status
    assert answer.headers["Location"] == "https://track-eu.example/api/v1/customers/a%2Fb?x=1"
    assert api.track("GET", "/api/v1/accounts/region").json()["region"] == "eu"
    assert api.app("GET", "/v1/segments").status_code == 200
    entry = api.sandbox.requests()[0]
    assert (entry["status"], entry["applied"], entry["reason"]) == (status, False, "redirected")
    assert api.person("a/b") is None


def test_a_redirect_can_be_followed_to_another_sandbox(api: Api) -> None:
    for other in serve():
        api.sandbox.configure(track_redirect_url=other.sandbox.track_url, track_redirect_status=307)
        auth = other.basic()
        response = api.session.put(
            f"{api.sandbox.track_url}/api/v1/customers/x",
            json={"plan": "eu"},
            headers=auth,
            allow_redirects=False,
            timeout=PATIENCE,
        )
        again = api.session.put(
            response.headers["Location"], json={"plan": "eu"}, headers=auth, timeout=PATIENCE
        )
        assert again.status_code == 200
        assert other.known("x")["attributes"] == {"plan": "eu"}
        assert api.person("x") is None
