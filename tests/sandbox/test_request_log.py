"""The log can be waited on, and keeps nobody waiting who need not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from customerio_tool.sandbox import Sandbox
from tests.sandbox.control import control
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE


def test_wait_for_returns_as_soon_as_enough_came(api: Api) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.sandbox.wait_for, 2, "identify", timeout=PATIENCE)
        api.get("/v1/segments")
        api.identify("a")
        api.identify("b")
        found = waiting.result(timeout=PATIENCE)
    assert [entry["path"] for entry in found] == ["/api/v1/customers/a", "/api/v1/customers/b"]


def test_wait_for_says_how_many_came_when_it_is_late(api: Api) -> None:
    api.identify("a")
    with pytest.raises(TimeoutError, match=r"1 of 2 identify requests came within 0 s"):
        api.sandbox.wait_for(2, "identify", timeout=0)
    with pytest.raises(TimeoutError, match="0 of 1 any"):
        api.sandbox.wait_for(after=1, timeout=0)


@pytest.mark.parametrize("api_with", [{"requests_kept": 3}], indirect=True)
def test_nobody_waits_for_more_than_the_log_keeps(api_with: Api) -> None:
    with pytest.raises(ValueError, match=r"5 requests in a log that keeps the newest 3: .*_kept"):
        api_with.sandbox.wait_for(5, timeout=PATIENCE)
    refused = control(api_with, "GET", "requests", params={"wait_for": 4, "timeout": PATIENCE})
    assert refused.status_code == 400
    assert "options.requests_kept" in refused.json()["errors"][0]["detail"]
    for name in "abcd":
        api_with.identify(name)
    assert len(api_with.sandbox.wait_for(3, timeout=0)) == 3


@pytest.mark.parametrize("api_with", [{"requests_kept": 2}], indirect=True)
def test_what_the_log_dropped_is_waited_for_again(api_with: Api) -> None:
    api = api_with
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.sandbox.wait_for, 2, "identify", timeout=PATIENCE)
        for name in "abcdef":
            api.identify(name)
            api.get("/v1/segments")
            api.get("/v1/segments")
        api.identify("y")
        api.identify("z")
        found = waiting.result(timeout=PATIENCE)
    assert [entry["path"] for entry in found] == ["/api/v1/customers/y", "/api/v1/customers/z"]


@pytest.mark.parametrize("api_with", [{"requests_kept": 2}], indirect=True)
def test_a_late_wait_says_that_the_log_drops_what_came(api_with: Api) -> None:
    api_with.identify("a")
    api_with.identify("b")
    api_with.get("/v1/segments")
    words = r"1 of 2 identify .* within 0 s and are in the log, which keeps the newest 2 .*_kept"
    with pytest.raises(TimeoutError, match=words):
        api_with.sandbox.wait_for(2, "identify", timeout=0)


def test_the_log_is_a_long_poll_over_http(api: Api) -> None:
    with ThreadPoolExecutor(1) as pool:
        wanted: dict[str, str | int] = {"wait_for": 1, "operation": "delete", "timeout": PATIENCE}
        url = f"{api.sandbox.app_url}/_sandbox/requests"
        waiting = pool.submit(requests.get, url, wanted, timeout=PATIENCE)
        api.identify("a")
        api.accept("DELETE", "/api/v1/customers/a")
        [entry] = waiting.result(timeout=PATIENCE).json()["requests"]
    assert (entry["operation"], entry["n"]) == ("delete", 2)
    late = control(api, "GET", "requests", params={"wait_for": 5, "timeout": 0})
    assert len(late.json()["requests"]) == 2, "what there is, when it is late"


@pytest.mark.parametrize("levels", [500, 501, 900, 970, 980, 990, 5000])
@pytest.mark.parametrize("path", ["customers/u1", "customers/u1/events"])
def test_no_nesting_of_a_body_makes_log_or_state_unreadable(
    api: Api, path: str, levels: int
) -> None:
    """Event data may be 100,000 bytes: enough brackets for more levels than can be read back."""
    data = "[" * (levels - 2) + "]" * (levels - 2)
    body = f'{{"name": "n", "data": {{"a": {data}}}}}'.encode()
    method = "POST" if path.endswith("events") else "PUT"
    status, _ = api.raw(method, f"/api/v1/{path}", body, api.basic())
    assert status == (400 if levels > 500 or method == "PUT" else 200)
    for read in ("requests", "state"):
        assert control(api, "GET", read).status_code == 200
    [entry] = api.sandbox.requests()
    assert (entry["json"] is None) is (levels > 500)
    assert entry["body"].startswith('{"name"')
    assert api.sandbox.state()["people"]


def test_a_stopping_sandbox_keeps_nobody_waiting() -> None:
    with ThreadPoolExecutor(1) as pool:
        sandbox = Sandbox(seed=False).start()
        waiting = pool.submit(sandbox.wait_for, 1, timeout=3600)
        sandbox.close()
        with pytest.raises((TimeoutError, RuntimeError)):
            waiting.result(timeout=PATIENCE)
