"""Started, stopped, forked, killed, out of space: what the sandbox leaves, and what it says."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests

from customerio_tool.sandbox import Clock, Options, Sandbox
from customerio_tool.sandbox.serving import request_log
from tests.support.sandbox_api import NOW, Api
from tests.support.timeouts import PATIENCE

_SERVE = """
import threading
from customerio_tool.sandbox import Sandbox
with Sandbox() as sandbox:
    sandbox.snapshot("kept")
    print(sandbox.track_url, flush=True)
    threading.Event().wait()
"""


def test_a_killed_sandbox_leaves_nothing_on_disk(tmp_path: Path) -> None:
    """Without ``db`` there is nothing to keep, and a SIGKILL gives no time to clean up."""
    here = {"TMPDIR": str(tmp_path), "SQLITE_TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", _SERVE]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **here}
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            body = {f"a{number}": "x" * 900 for number in range(100)}
            with requests.Session() as session:
                session.trust_env, session.auth = False, ("sandbox-site", "sandbox-track-key")
                for number in range(50):  # more than SQLite holds in memory
                    person = f"{url}/api/v1/customers/p{number}"
                    assert session.put(person, json=body, timeout=PATIENCE).status_code == 200
        finally:
            process.kill()
    assert list(tmp_path.iterdir()) == []


_UNWRITABLE = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no byte into any file
import requests
from customerio_tool.sandbox import Sandbox
with Sandbox() as sandbox, requests.Session() as session:
    session.trust_env, session.auth = False, (sandbox.site_id, sandbox.track_api_key)
    body = {f"a{number}": "x" * 900 for number in range(100)}
    for number in range(50):  # more than SQLite holds in memory of a file
        person = f"{sandbox.track_url}/api/v1/customers/p{number}"
        session.put(person, json=body, timeout=30).raise_for_status()
    print(len(sandbox.state()["people"]) > 50)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no resource limits here")
def test_where_nothing_can_be_written_the_workspace_is_in_memory(tmp_path: Path) -> None:
    """A container with a read-only file system."""
    command = [sys.executable, "-B", "-c", _UNWRITABLE]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.stdout, ended.returncode) == ("True\n", 0), ended.stderr


# A child that hangs is ended by SIGALRM: the test then fails, and does not hang as well.
_FORK = """
import os, signal, sys
import requests
from customerio_tool.sandbox import Sandbox

def asked(sandbox):
    with requests.Session() as session:
        session.trust_env = False
        url = sandbox.track_url + "/_sandbox/health"
        return session.get(url, verify=sandbox.ca_file, timeout=60).status_code

with Sandbox(tls=True) as sandbox:
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        assert asked(sandbox) == 200
        try:
            sandbox.state()
        except RuntimeError as error:
            assert "process that forked this one" in str(error)
            sys.exit(7)  # leaves the block and the process, as a worker's exception does
        sys.exit(8)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert sandbox.state()["people"]
    assert asked(sandbox) == 200
print("served")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_may_call_its_parents_sandbox_and_does_not_end_it() -> None:
    """A worker that ends as any process does, inside the ``with`` block it was forked in."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _FORK]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=4 * PATIENCE, check=False
    )
    assert (ended.stdout, ended.returncode) == ("served\n", 0), ended.stderr


def test_it_starts_again_after_it_was_stopped() -> None:
    sandbox = Sandbox(seed={"people": [{"id": "mine"}]})
    for _ in range(2):
        with sandbox:
            assert sandbox.start() is sandbox
            api = Api(sandbox)
            with api.session:
                assert api.person("other") is None
                api.identify("other")
                assert [each["id"] for each in sandbox.state()["people"]] == ["mine", "other"]
    sandbox.close()


def test_what_is_raised_inside_is_raised_and_it_is_stopped() -> None:
    sandbox = Sandbox()
    with pytest.raises(KeyError, match="of the caller"), sandbox:
        raise KeyError("of the caller")
    assert repr(sandbox) == "<Sandbox not running>"


def test_starting_asks_no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container without DNS the question alone takes seconds."""

    def unanswered(*_: object) -> str:
        raise AssertionError("a name was looked up")

    for name in ("getfqdn", "gethostbyaddr", "getnameinfo"):
        monkeypatch.setattr(socket, name, unanswered)
    with Sandbox() as sandbox, Api(sandbox).session as session:
        assert (
            session.get(f"{sandbox.track_url}/_sandbox/health", timeout=PATIENCE).status_code == 200
        )


def test_a_port_in_use_is_named() -> None:
    with Sandbox() as one:
        port = int(one.track_url.rpartition(":")[2])
        with pytest.raises(OSError, match=f"127.0.0.1:{port}") as caught:
            Sandbox(port=port).start()
    assert caught.value.errno == errno.EADDRINUSE


def test_a_wait_that_the_stop_ends_says_so() -> None:
    sandbox = Sandbox().start()
    waiting = Event()

    def wait() -> None:
        waiting.set()
        sandbox.wait_for(1, timeout=PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(wait)
        waiting.wait(PATIENCE)
        sandbox.close()
        with pytest.raises((TimeoutError, RuntimeError), match=r"stopped|not running"):
            waited.result(PATIENCE)


def test_a_wait_counts_on_after_a_reset(api: Api) -> None:
    """The log's numbers begin anew, and so does the count."""
    with ThreadPoolExecutor(1) as pool:
        api.identify("before")
        waited = pool.submit(api.sandbox.wait_for, 2, timeout=PATIENCE)
        api.sandbox.reset()
        api.identify("one")
        api.identify("two")
        paths = [each["path"] for each in waited.result(PATIENCE)]
    assert paths == ["/api/v1/customers/one", "/api/v1/customers/two"]


def test_a_wait_sees_what_another_sandbox_on_the_file_answers(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    with Sandbox(db=file) as one, Sandbox(db=file) as other, ThreadPoolExecutor(1) as pool:
        waited = pool.submit(one.wait_for, 1, timeout=PATIENCE)
        api = Api(other)
        with api.session:
            api.identify("elsewhere")
        assert [each["path"] for each in waited.result(PATIENCE)] == ["/api/v1/customers/elsewhere"]


def test_a_wait_counts_on_after_another_sandbox_on_the_file_was_reset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, count = Event(), request_log.count

    def counted(*wanted: Any) -> int:
        looked.set()
        return count(*wanted)

    monkeypatch.setattr(request_log, "count", counted)
    file = tmp_path / "kept.db"
    with ThreadPoolExecutor(1) as pool, Sandbox(db=file) as one, Sandbox(db=file) as other:
        api = Api(other)
        with api.session:
            for _ in range(3):
                api.get("/v1/segments")
            waited = pool.submit(one.wait_for, 1, "identify", timeout=10 * PATIENCE)
            assert looked.wait(PATIENCE)
            other.reset()
            api.identify("first of the new log")
        assert len(waited.result(PATIENCE)) == 1


def test_a_full_disk_is_a_500_that_says_so_and_loses_nothing(tmp_path: Path) -> None:
    """SQLite's own limit of pages fails as a full disk does; what was answered 200 is there."""
    with Sandbox(db=tmp_path / "kept.db") as sandbox:
        api = Api(sandbox)
        with api.session:
            api.identify("before", plan="x")
            store = sandbox.application.store
            pages = store.scalar("PRAGMA page_count")
            store.execute(f"PRAGMA max_page_count={pages}")
            body = {f"a{number}": "x" * 900 for number in range(100)}
            refused = [api.track("PUT", f"/api/v1/customers/p{n}", body) for n in range(3)]
            unknown = [api.app("GET", "/v1/nothing/" + "x" * 60_000) for _ in range(3)]
            assert {each.status_code for each in refused} == {500}
            assert "database or disk is full" in refused[-1].json()["meta"]["errors"][0]
            assert unknown[-1].status_code == 500
            store.execute(f"PRAGMA max_page_count={pages + 10_000}")
            api.identify("after", plan="y")
            assert api.person("p0") is None
            assert [api.known(name)["attributes"]["plan"] for name in ("before", "after")] == [
                "x",
                "y",
            ]


DAY = 86400


def test_time_goes_on_in_a_file_whose_clock_was_ahead(tmp_path: Path) -> None:
    """Or every new write would be older than what is stored, and ignored."""
    file, ids = tmp_path / "kept.db", {"ids": ["u1"]}
    with Sandbox(db=file) as sandbox:
        sandbox.clock.advance(30 * DAY)
        moved = sandbox.clock.now()
        api = Api(sandbox)
        with api.session:
            api.identify("u1", plan="first")
    with Sandbox(db=file, options=Options(trigger_interval=0)) as sandbox:
        assert sandbox.clock.now() >= moved
        api = Api(sandbox)
        with api.session:
            api.identify("u1", plan="second")
            assert api.known("u1")["attributes"]["plan"] == "second"
            assert api.app("POST", "/v1/campaigns/30/triggers", ids).status_code == 200


def test_a_clock_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    with Sandbox(db=file, clock=Clock(frozen_at=NOW + DAY)) as sandbox:
        api = Api(sandbox)
        with api.session:
            api.identify("u1")
    with Sandbox(db=file, clock=Clock(frozen_at=NOW)) as sandbox:
        assert sandbox.clock.now() == NOW


def test_a_broadcast_may_be_triggered_after_the_clock_went_back(api: Api) -> None:
    """What was triggered at a later time neither counts as 10 s ago nor waits in the queue."""
    path, body = "/v1/campaigns/30/triggers", {"ids": ["u1"]}
    for _ in range(6):
        api.sandbox.clock.advance(10)
        assert api.app("POST", path, body).status_code == 200
    api.sandbox.clock.set(NOW - DAY)
    assert api.app("POST", path, body).status_code == 200
    assert api.app("POST", path, body).status_code == 429
