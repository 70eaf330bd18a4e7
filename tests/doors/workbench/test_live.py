"""Open pages are told what changes, by streams that are few and that end."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from customerio_tool import CallContext, Policy
from customerio_tool.backends.approvals.sqlite import SqliteApprovals
from customerio_tool.doors.workbench import live
from customerio_tool.sandbox import Sandbox
from tests.support.http_door import served
from tests.support.shell import environment
from tests.support.timeouts import PATIENCE
from tests.support.visitor import Visitor
from tests.support.workbench import Bench, workbench


@pytest.fixture
def bench(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)
    with workbench(sandbox, Policy.careful(), {}) as running:
        yield running


@contextmanager
def stream(url: str, session: requests.Session) -> Iterator[Iterator[Mapping[str, Any]]]:
    """Open the stream, and give what it tells."""
    with session.get(f"{url}/live", stream=True, timeout=PATIENCE) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines(chunk_size=1)
        yield (json.loads(line[6:]) for line in lines if line.startswith(b"data: "))


def test_a_page_is_told_of_a_call_that_waits_and_of_one_that_ended(bench: Bench) -> None:
    with stream(bench.url, bench.session) as told, bench.workspace.tool() as tool:
        first = next(told)
        assert (first["count"], first["waiting"]) == (0, "")
        tool.call("list_campaigns")
        second = next(told)
        assert (second["calls"] != first["calls"], second["count"]) == (True, 0)
        waiting = tool.call("delete_customer", {"customer_id": "u1"})["confirmation_id"]
        while (third := next(told))["count"] == 0:
            pass
        assert (third["count"], third["waiting"]) == (1, waiting)


def test_nothing_is_told_of_what_is_in_a_call(bench: Bench) -> None:
    with stream(bench.url, bench.session) as told, bench.workspace.tool() as tool:
        context = CallContext(run_id="run of ada")
        tool.call("delete_customer", {"customer_id": "ada@example.com"}, context=context)
        assert "ada" not in json.dumps(next(told))


def test_who_was_not_let_in_is_told_nothing(bench: Bench) -> None:
    answer = requests.get(f"{bench.url}/live", timeout=PATIENCE)
    assert (answer.status_code, answer.content) == (401, b"")


def test_a_browser_that_later_ones_put_out_is_told_no_more(bench: Bench) -> None:
    with stream(bench.url, bench.session) as told:
        next(told)
        while bench.admission.is_in(bench.form_key):
            bench.admission.enter(bench.tokens[-1])
        with bench.workspace.tool() as tool:
            tool.call("list_campaigns")
            tool.call("list_segments")
        assert len(list(told)) <= 1, "no more than what was under way"


def test_one_browser_holds_so_many_streams_and_frees_them_by_leaving(bench: Bench) -> None:
    with ExitStack() as open_pages:
        for _ in range(live.MOST_OF_ONE):
            next(open_pages.enter_context(stream(bench.url, bench.session)))
        one_more = bench.session.get(f"{bench.url}/live", timeout=PATIENCE)
        assert one_more.status_code == 503
        assert bench.get("/calls").status == 200, "pages load all the same"
    for _ in range(1_000):  # the server notices soon that they left
        with bench.session.get(f"{bench.url}/live", stream=True, timeout=PATIENCE) as again:
            if again.status_code == 200:
                return
    raise AssertionError("no place was freed")


def test_all_browsers_together_hold_so_many(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 1)
    with stream(bench.url, bench.session) as told:
        next(told)
        with requests.Session() as other:
            other.get(f"{bench.url}/?token={bench.tokens[-1]}", timeout=PATIENCE)
            assert other.get(f"{bench.url}/live", timeout=PATIENCE).status_code == 503


def test_a_store_that_is_lost_is_no_end_of_the_stream(bench: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "approvals"
    broken.write_text("no database " * 100, encoding="utf-8")
    stores = replace(bench.workspace.ground.backends, approvals=SqliteApprovals(broken))
    bench.workspace.ground = replace(bench.workspace.ground, backends=stores)
    with stream(bench.url, bench.session) as told:
        assert next(told)["count"] == 0
    page = bench.get("/approvals")
    assert (page.status, "the store of calls" in page.words) == (200, True)


@pytest.mark.parametrize(
    "numbers", [(signal.SIGTERM,), (signal.SIGINT,), (signal.SIGINT, signal.SIGINT)]
)
def test_a_signal_ends_the_server_without_a_complaint_while_a_page_listens(
    sandbox: Sandbox, numbers: tuple[int, ...]
) -> None:
    with (
        served(env=environment(sandbox.connection())) as server,
        Visitor(server.ready) as visitor,
        stream(visitor.url, visitor.session) as told,
    ):
        next(told)
        for number in numbers:
            server.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                server.process.wait(0.05)
        # Less than the 30 seconds that running calls are given.
        printed, complaints = server.process.communicate(timeout=20)
    assert (server.process.returncode, printed) == (0, "")
    [line] = complaints.splitlines()
    assert line.startswith("The link was used.")
