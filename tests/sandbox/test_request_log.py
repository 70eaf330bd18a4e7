"""The log can be waited on, and keeps nobody waiting who need not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from customerio_tool.sandbox import Sandbox
from tests.patience import PATIENCE
from tests.sandbox.api import Api
from tests.sandbox.control import control


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


def test_a_stopping_sandbox_keeps_nobody_waiting() -> None:
    with ThreadPoolExecutor(1) as pool:
        sandbox = Sandbox(seed=False).start()
        waiting = pool.submit(sandbox.wait_for, 1, timeout=3600)
        sandbox.close()
        with pytest.raises((TimeoutError, RuntimeError)):
            waiting.result(timeout=PATIENCE)
