"""A local Customer.io that other machines reach: with keys of its own, which everything needs."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests

from customerio_tool.sandbox import Options, Sandbox
from customerio_tool.sandbox.serving.access import is_loopback
from tests.support.timeouts import PATIENCE

EVERYWHERE = "0.0.0.0"
CLOSED = ["/", "/console/people", "/_sandbox/health", "/_sandbox/state", "/_sandbox/requests"]


def own_address() -> str:
    """An address of this machine that is not 127.0.0.1; that of its network, if there is one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.2"
        return str(asking.getsockname()[0])


@pytest.fixture
def exposed() -> Iterator[Sandbox]:
    with Sandbox(host=EVERYWHERE) as running:
        yield running


@pytest.fixture
def url(exposed: Sandbox) -> str:
    return f"http://{own_address()}:{exposed.track_url.rpartition(':')[2]}"


def get(url: str, **more: object) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=PATIENCE, **more)  # type: ignore[arg-type]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_both_apis_are_served_to_who_has_the_keys(exposed: Sandbox, url: str) -> None:
    app = get(f"{url}/v1/segments", headers=bearer(exposed.app_api_key))
    track = get(f"{url}/api/v1/accounts/region", auth=(exposed.site_id, exposed.track_api_key))
    assert (app.status_code, track.status_code) == (200, 200)


def test_no_key_that_everybody_knows_opens_it(exposed: Sandbox, url: str) -> None:
    for key in (Options.app_api_key, Options.service_account_token, ""):
        headers = {**bearer(key), "X-Workspace-Id": "4001"}
        assert get(f"{url}/v1/segments", headers=headers).status_code == 401
    known = (Options.site_id, Options.track_api_key)
    assert get(f"{url}/api/v1/accounts/region", auth=known).status_code == 401


@pytest.mark.parametrize("name", ["", "localhost"], ids=["its address", "a forged Host"])
@pytest.mark.parametrize("path", CLOSED)
def test_control_routes_and_console_need_the_key(
    exposed: Sandbox, url: str, path: str, name: str
) -> None:
    host = {"Host": name} if name else {}
    for headers in ({}, bearer(Options.app_api_key), bearer(exposed.track_api_key)):
        refused = get(url + path, headers={**headers, **host})
        assert refused.status_code == 401
        assert "App API key" in refused.text
        assert exposed.app_api_key not in refused.text
    assert get(url + path, headers={**bearer(exposed.app_api_key), **host}).status_code == 200
    assert get(url + path, auth=("anybody", exposed.app_api_key), headers=host).status_code == 200


def test_a_browser_is_told_to_ask_for_the_password(url: str) -> None:
    assert get(f"{url}/").headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://["])
def test_a_page_of_another_site_is_refused_though_the_browser_knows_the_password(
    exposed: Sandbox, url: str, origin: str
) -> None:
    for path in ("/", "/_sandbox/state"):
        headers = {**bearer(exposed.app_api_key), "Origin": origin}
        assert get(url + path, headers=headers).status_code == 403
        assert get(url + path, headers={**headers, "Origin": url}).status_code == 200


def test_keys_that_options_set_stay_and_blank_ones_are_drawn() -> None:
    given = {"track_api_key": "of-the-team", "app_api_key": " "}
    with Sandbox(host=EVERYWHERE, options=given) as sandbox:
        assert sandbox.track_api_key == "of-the-team"
        assert len(sandbox.app_api_key) >= 32
        sandbox.reset()
        assert sandbox.application.options.app_api_key == sandbox.app_api_key


def test_two_sandboxes_draw_keys_of_their_own() -> None:
    one, other = Sandbox(host=EVERYWHERE), Sandbox(host=EVERYWHERE)
    assert one.app_api_key != other.app_api_key
    assert one.track_api_key != other.track_api_key


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_on_loopback_everything_is_as_simple_as_before(host: str) -> None:
    with Sandbox(host=host) as sandbox:
        assert sandbox.track_url.startswith(f"http://{host}:")
        assert sandbox.app_api_key == Options.app_api_key
        assert get(f"{sandbox.track_url}/_sandbox/health").status_code == 200
        rebound = get(f"{sandbox.track_url}/_sandbox/health", headers={"Host": "evil.example"})
        assert rebound.status_code == 403


def test_a_sandbox_listens_on_loopback_unless_it_is_told_otherwise() -> None:
    with Sandbox() as sandbox:
        port = int(sandbox.track_url.rpartition(":")[2])
        if not is_loopback(own_address()):
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((own_address(), port), timeout=PATIENCE)


def test_with_keys_of_ones_own_the_known_service_account_is_refused_on_loopback_too() -> None:
    headers = {**bearer(Options.service_account_token), "X-Workspace-Id": "4001"}
    keys = {"track_api_key": "own-track-key", "app_api_key": "own-app-key"}
    with Sandbox(options=keys) as sandbox:
        assert get(f"{sandbox.app_url}/v1/segments", headers=headers).status_code == 401
    with Sandbox(options={**keys, "service_account_token": "sa_live_own"}) as sandbox:
        headers.update(bearer("sa_live_own"))
        assert get(f"{sandbox.app_url}/v1/segments", headers=headers).status_code == 200


def test_the_certificate_is_also_for_the_host() -> None:
    with Sandbox(host="127.0.0.2", tls=True) as sandbox:
        assert sandbox.track_url.startswith("https://127.0.0.2:")
        answered = get(f"{sandbox.track_url}/_sandbox/health", verify=sandbox.ca_file)
    assert answered.status_code == 200
