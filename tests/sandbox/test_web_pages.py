"""A web page that the developer visits reaches nothing: its keys are known to everybody."""

from __future__ import annotations

import base64

import pytest

from customerio_tool.sandbox import Sandbox
from tests.sandbox.control import control
from tests.support.sandbox_api import Api

OWN_KEYS = {"track_api_key": "own-track-key", "app_api_key": "own-app-key"}
FOREIGN = ["evil.example", "evil.example:8800", "127.0.0.1.evil.example", "localhost@evil", "[", ""]
CALLS = [
    ("GET", "/api/v1/accounts/region"),
    ("PUT", "/api/v1/customers/u6"),
    ("DELETE", "/api/v1/customers/u6"),
    ("POST", "/api/v2/entity"),
    ("GET", "/v1/customers/u1/attributes"),
    ("POST", "/v1/send/email"),
    ("GET", "/no/such/route"),
    ("OPTIONS", "/v1/segments"),
    ("GET", "/_sandbox/state"),
]


def credentials(api: Api, path: str) -> dict[str, str]:
    if path.startswith("/api/"):
        return api.basic()
    return {"Authorization": f"Bearer {api.sandbox.app_api_key}"}


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("header", ["Host", "Origin"])
@pytest.mark.parametrize("value", FOREIGN)
def test_no_route_answers_a_foreign_host_or_origin(
    api: Api, method: str, path: str, header: str, value: str
) -> None:
    before, log = api.sandbox.state(), api.sandbox.requests()
    given = f"http://{value}" if header == "Origin" else value
    status, answer = api.raw(method, path, b"", {**credentials(api, path), header: given})
    assert (status, header.encode() in answer) == (403, True)
    assert (api.sandbox.state(), api.sandbox.requests()) == (before, log)


@pytest.mark.parametrize("origin", ["null", "file://", "chrome-extension://abc"])
def test_a_page_without_a_site_is_foreign_too(api: Api, origin: str) -> None:
    status, _ = api.raw("GET", "/v1/segments", b"", {**credentials(api, "/v1"), "Origin": origin})
    assert status == 403


def test_a_refused_page_may_not_read_the_refusal_and_uses_up_no_fault(api: Api) -> None:
    rule = api.sandbox.fault(operation="list_segments", status=503)
    headers = {
        "Authorization": f"Bearer {api.sandbox.app_api_key}",
        "Origin": "http://evil.example",
    }
    url = f"{api.sandbox.app_url}/v1/segments"
    refused = api.session.get(url, headers=headers, timeout=10)
    assert refused.status_code == 403
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert rule.matched == 0


@pytest.mark.parametrize(("method", "path"), [CALLS[0], CALLS[4]])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:1", "LOCALHOST"])
def test_every_name_of_this_machine_is_served(api: Api, method: str, path: str, host: str) -> None:
    headers = {**credentials(api, path), "Host": host, "Origin": f"http://{host}"}
    assert api.raw(method, path, b"", headers)[0] == 200


def test_with_keys_of_its_own_a_sandbox_may_have_any_name() -> None:
    with Sandbox(options=OWN_KEYS) as sandbox:
        api = Api(sandbox)
        own = base64.b64encode(f"{sandbox.site_id}:own-track-key".encode()).decode()
        headers = {"Authorization": f"Basic {own}", "Host": "customerio.test"}
        assert api.raw("GET", "/api/v1/accounts/region", b"", headers)[0] == 200
        assert api.raw("GET", "/_sandbox/state", b"", {"Host": "customerio.test"})[0] == 403
        assert control(api, "GET", "state").status_code == 200


@pytest.mark.parametrize("known", ["track_api_key", "app_api_key"])
def test_one_well_known_key_is_enough_to_keep_other_names_out(known: str) -> None:
    own = {name: key for name, key in OWN_KEYS.items() if name != known}
    with Sandbox(options=own) as sandbox:
        api = Api(sandbox)
        headers = {**credentials(api, "/v1"), "Host": "customerio.test"}
        assert api.raw("GET", "/v1/segments", b"", headers)[0] == 403


def test_the_refusal_says_how_another_name_is_served(api: Api) -> None:
    headers = {**credentials(api, "/v1"), "Host": "customerio.test"}
    _, answer = api.raw("GET", "/v1/segments", b"", headers)
    assert b"app_api_key" in answer
    assert b"track_api_key" in answer
