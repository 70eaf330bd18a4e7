"""The log as it grows: what comes, how many may listen, and that it ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests

from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.console import listeners, queries
from tests.sandbox.console.browser import ATTACK, visit
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

STREAM = "/console/requests/stream"


def listen(api: Api, after: int | None = None, **headers: str) -> requests.Response:
    query = "" if after is None else f"?after={after}"
    url = f"{api.sandbox.track_url}{STREAM}{query}"
    return requests.get(url, headers=headers, stream=True, timeout=PATIENCE)


def told(response: requests.Response) -> Iterator[tuple[str, str]]:
    """Each event as its number or name, and its data."""
    kind, data = "", ""
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        name, _, value = line.partition(": ")
        if name in ("id", "event"):
            kind = value
        elif name == "data":
            data += value
        elif not line and data:
            yield kind, data
            kind, data = "", ""


def test_each_request_comes_as_a_row_with_its_reason(api: Api) -> None:
    with listen(api) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        events = told(response)
        api.identify("a")
        assert next(events)[0] == "1"
        api.accept("PUT", "/api/v1/customers/nobody", {"_update": True})
        number, row = next(events)
    assert number == "2"
    assert "_update on nobody" in row
    assert 'href="/console/requests/2"' in row


def test_a_row_holds_no_text_of_a_caller_as_html(api: Api) -> None:
    with listen(api) as response:
        api.raw("GET", f"/v1/{ATTACK.replace(' ', '%20')}")
        _, row = next(told(response))
    assert "<script>" not in row
    assert "&lt;script&gt;" in row


def test_a_browser_goes_on_where_it_was_cut(api: Api) -> None:
    for name in "abc":
        api.identify(name)
    with listen(api, 0, **{"Last-Event-ID": "2"}) as response:
        assert next(told(response))[0] == "3"


def test_the_page_names_the_stream_from_its_last_row_on(api: Api) -> None:
    api.identify("a")
    assert (
        visit(api, "/console/requests").all("span", id="live")[0]["data-stream"]
        == f"{STREAM}?after=1"
    )
    assert not visit(api, "/console/requests?quiet=1").all("span", id="live")


def test_a_log_that_grew_too_fast_or_began_anew_asks_for_the_page_again(api: Api) -> None:
    for number in range(queries.PAGE + 1):
        api.identify(f"p{number}")
    with listen(api, 0) as response:
        assert next(told(response))[0] == "reload"
    with listen(api, queries.PAGE + 1) as response:
        api.sandbox.reset()
        api.identify("x")
        assert next(told(response))[0] == "reload"


def test_so_many_may_listen_and_no_more(api: Api) -> None:
    with ExitStack() as stack:
        for _ in range(listeners.MOST):
            assert stack.enter_context(listen(api)).status_code == 200
        refused = stack.enter_context(listen(api))
        assert refused.status_code == 429
        assert "close a page" in refused.text
        assert visit(api, "/console/requests").status == 200


def listen_when_free(api: Api) -> int:
    """Listen and leave, as soon as the leaving of another is noticed, which takes two requests."""
    for _ in range(200):
        with listen(api) as response:
            if response.status_code == 200:
                break
        api.identify("a")
    return response.status_code


def test_the_place_of_a_listener_who_left_is_free_again(api: Api) -> None:
    for _ in range(3 * listeners.MOST):
        assert listen_when_free(api) == 200


def test_a_listener_who_leaves_at_once_keeps_no_place(api: Api) -> None:
    where = urlsplit(api.sandbox.track_url)
    for _ in range(3 * listeners.MOST):
        with socket.create_connection((where.hostname or "", where.port or 0)) as sock:
            sock.sendall(f"GET {STREAM} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert listen_when_free(api) == 200


def test_a_stopping_sandbox_ends_every_stream() -> None:
    sandbox = Sandbox(seed=False).start()
    api = Api(sandbox)
    with ExitStack() as stack, ThreadPoolExecutor(listeners.MOST) as pool:
        found = [stack.enter_context(listen(api)) for _ in range(listeners.MOST)]

        def drain(response: requests.Response) -> None:
            with pytest.raises((StopIteration, requests.RequestException)):
                next(told(response))

        ended = [pool.submit(drain, response) for response in found]
        sandbox.close()
        for each in ended:
            each.result(timeout=PATIENCE)
