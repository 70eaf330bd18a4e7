"""A process that forks: parent and child share no connection, and no question that is open."""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import Any

import pytest
import requests
import responses

from customerio_tool.client import Client
from customerio_tool.connection import Api
from customerio_tool.sandbox import Clock, Sandbox
from tests.support.clients import APP_US, SEGMENTS, US, connected, soon
from tests.support.retries import NOW, PERSON_CALL, SkippingClock, Tries, tool_on

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]
FORKING = multiprocessing.get_context("fork") if hasattr(os, "fork") else None


def in_a_child(work: Any) -> Any:
    """Return what a forked process finds."""
    assert FORKING is not None
    told: multiprocessing.SimpleQueue[Any] = FORKING.SimpleQueue()
    child = FORKING.Process(target=lambda: told.put(work()), daemon=True)
    child.start()
    child.join(30)
    exitcode = child.exitcode
    child.kill()
    assert exitcode == 0
    return told.get()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_child_makes_connections_of_its_own_and_leaves_the_parents_alone(tls: bool) -> None:
    """On a socket that both hold, each would read the answers to the other."""
    with (
        Sandbox(clock=Clock(frozen_at=NOW), tls=tls) as sandbox,
        tool_on(SkippingClock(), sandbox.connection(), Tries()) as tool,
    ):

        def ports() -> set[int]:
            assert tool.call(*PERSON_CALL)["ok"]
            pools = tool._client._session.get_adapter("https://x").poolmanager.pools  # type: ignore[attr-defined]  # of HTTPAdapter
            kept = [pools.get(key).pool.queue for key in list(pools.keys())]
            return {c.sock.getsockname()[1] for queue in kept for c in queue if c and c.sock}

        before = ports()
        child = in_a_child(ports)
        assert len(before) == len(child) == 1
        assert not before & child
        assert ports() == before


def test_a_child_does_not_wait_for_a_question_that_only_its_parent_asks() -> None:
    parent, asked, answer = os.getpid(), threading.Event(), threading.Event()

    def region(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if os.getpid() == parent:
            asked.set()
            answer.wait(60)
        return 200, {}, '{"region": "us"}'

    with responses.RequestsMock(assert_all_requests_are_fired=False) as net:
        net.add_callback("GET", f"{US}/api/v1/accounts/region", region)
        net.get(APP_US + SEGMENTS.path, json={"segments": []})
        with Client(connected()) as client:
            thread = threading.Thread(target=lambda: client.region(Api.TRACK, soon()))
            thread.start()
            assert asked.wait(30)
            found = in_a_child(lambda: client.region(Api.TRACK, soon()))
            answer.set()
            thread.join()
            assert found == client.region(Api.TRACK, soon()) == "us"
