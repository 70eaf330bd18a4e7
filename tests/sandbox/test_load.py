"""Many requests at once: no error, and no memory beyond the data (benchmarks.sandbox_load)."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import closing

from customerio_tool.sandbox import Options, Sandbox
from tests.support.load import Crowd, mixed
from tests.support.sandbox_api import Api

WARM, REQUESTS, ROUNDS = 300, 1500, 2
BYTES_A_REQUEST = 40  # less than any container that holds on to one


def traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_1500_requests_on_32_connections_all_succeed_and_leave_no_memory() -> None:
    last = WARM + ROUNDS * REQUESTS
    with Sandbox() as sandbox, closing(Crowd(sandbox.track_url)) as crowd:
        request, grown = mixed(sandbox), list[int]()
        tracemalloc.start()
        try:
            crowd.send(request, range(WARM))
            for first in range(WARM, last, REQUESTS):
                before = traced()
                answers = crowd.send(request, range(first, first + REQUESTS))
                assert {status for status, _ in answers} == {200}
                del answers
                grown.append(traced() - before)
        finally:
            tracemalloc.stop()
        assert len(sandbox.requests()) == last
        person = Api(sandbox).known(f"load-{last // 10 - 1}")
        assert len(person["events"]) == 5
        assert len(person["attributes"]) == 5
    assert min(grown) < BYTES_A_REQUEST * REQUESTS  # a leak grows in each round


def test_the_request_log_keeps_the_newest_where_it_is_told_how_many() -> None:
    with Sandbox(options=Options(requests_kept=3)) as sandbox:
        api = Api(sandbox)
        with api.session:
            for number in range(5):
                api.identify(f"p{number}")
        paths = [each["path"] for each in sandbox.requests()]
        assert paths == [f"/api/v1/customers/p{number}" for number in (2, 3, 4)]
        assert api.person("p0")
