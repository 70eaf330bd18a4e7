"""A process that forks: parent and child share no connection, and no question that is open."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable

import pytest
import requests
import responses

from customerio_tool.connection.client import Client
from customerio_tool.connection.transport import new_session
from customerio_tool.locks import ForkSafeLock, renew_in_child
from customerio_tool.sandbox import Clock, Sandbox
from customerio_tool.subtools.declare import Api
from tests.support.clients import APP_US, SEGMENTS, US, connected, soon
from tests.support.forking import in_a_child
from tests.support.retries import NOW, PERSON_CALL, SkippingClock, Tries, tool_on
from tests.support.timeouts import PATIENCE

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_child_makes_connections_of_its_own_and_leaves_the_parents_alone(tls: bool) -> None:
    """On a socket that both hold, each would read the answers to the other."""
    with (
        Sandbox(clock=Clock(frozen_at=NOW), tls=tls) as sandbox,
        new_session() as session,
        tool_on(SkippingClock(), sandbox.connection(), Tries(), session=session) as tool,
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


_UNANNOUNCED = """
import ctypes, os, threading
from customerio_tool import Clock, CustomerIoTool
from customerio_tool.sandbox import Sandbox

fork = ctypes.PyDLL(None).fork  # as a server written in C forks: no hook of Python runs
def ports(tool):
    assert tool.call("list_segments")["ok"]
    pools = tool._client._session.get_adapter("https://x").poolmanager.pools
    queues = [pools.get(key).pool.queue for key in list(pools.keys())]
    return {c.sock.getsockname()[1] for queue in queues for c in queue if c and c.sock}

with Sandbox() as sandbox, CustomerIoTool(sandbox.connection()) as tool:
    before = ports(tool)
    reading, writing = os.pipe()
    if fork() == 0:
        os.write(writing, b"apart" if not ports(tool) & before else b"shared")
        os._exit(0)
    assert os.read(reading, 100) == b"apart"
    assert ports(tool) == before
"""


def test_a_child_that_python_does_not_know_of_makes_connections_of_its_own_too() -> None:
    child = subprocess.run([sys.executable, "-c", _UNANNOUNCED], timeout=PATIENCE, check=False)
    assert child.returncode == 0


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


@pytest.mark.parametrize(
    "make",
    [
        ForkSafeLock,
        Sandbox,
        lambda: Client(connected()),
        lambda: new_session().adapters["https://"],
    ],
    ids=["lock", "sandbox", "client", "adapter"],
)
def test_nothing_is_kept_alive_for_forks_to_come(make: Callable[[], object]) -> None:
    left = weakref.ref(make())
    gc.collect()
    assert left() is None


_ENDING = """
from customerio_tool.locks import ForkSafeLock
from customerio_tool.sandbox import Sandbox

def made(kind, method):
    late = type("Late", (kind,), {method: lambda self: None})()
    late.itself = late  # so that the object, its class and the method end together
    return late

kept = [made(ForkSafeLock, "_renew"), made(Sandbox, "_leave_to_parent")]
"""


def test_a_process_that_ends_with_its_locks_and_its_sandbox_says_nothing_of_it() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _ENDING], timeout=PATIENCE, check=False, capture_output=True
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_every_method_that_an_object_registers_is_called_in_a_child() -> None:
    class Two:
        def __init__(self) -> None:
            self.called: list[str] = []
            renew_in_child(self.one)
            renew_in_child(self.other)

        def one(self) -> None:
            self.called.append("one")

        def other(self) -> None:
            self.called.append("other")

    two = Two()
    assert sorted(in_a_child(lambda: two.called)) == ["one", "other"]
    assert two.called == []
