"""The log keeps the newest requests, and its pages say that older ones are gone."""

from __future__ import annotations

from customerio_tool.sandbox import Options, Sandbox
from tests.sandbox.console.browser import get
from tests.support.sandbox_api import Api

GONE = "Older requests are gone: the log keeps the newest 3"


def test_it_keeps_ten_thousand_by_default_and_all_if_told_so() -> None:
    assert Options().requests_kept == 10_000
    assert Options(requests_kept=0).requests_kept == 0


def test_the_log_and_a_request_say_that_older_ones_are_gone() -> None:
    with Sandbox(options={"requests_kept": 3}, seed=False) as sandbox:
        api = Api(sandbox)
        for number in range(3):
            api.identify(f"p{number}")
        assert GONE not in get(api, "/console/requests").text
        api.identify("p3")
        assert GONE in get(api, "/console/requests").text
        gone = get(api, "/console/requests/1")
        assert gone.status_code == 404
        assert "Request 1 is gone: the log keeps the newest 3" in gone.text
        assert "There is no request with this number" in get(api, "/console/requests/9").text
        assert get(api, "/console/requests/2").status_code == 200
