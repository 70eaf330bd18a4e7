"""A run's budget of sends is one for all workers that share a ledger, whatever the store."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.entry import Ledger, Unit
from customerio_tool.calls.message_keys import DAY, budget_key
from customerio_tool.connection import Connection
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from tests.support.clients import EMAIL, AnyPace, code_of
from tests.support.ledger_calls import START, Loseable
from tests.support.ledger_stores import Shared
from tests.support.project import ROOT
from tests.support.timeouts import PATIENCE

RUN = CallContext(run_id="monday")
WORKERS = 6


def worker_on(sandbox: Sandbox, ledger: Any, budget: int = 2, **more: Any) -> CustomerIoTool:
    """Return a tool as another worker has it: it shares the ledger and nothing else."""
    policy = {"send_budget": budget, "confirm": more.pop("confirm", "never")}
    backends = Backends(ledger=ledger, limiter=AnyPace(), **more)
    clock = Clock(now=sandbox.clock.now)
    return CustomerIoTool(sandbox.connection(), policy=policy, backends=backends, clock=clock)


def send(
    tool: CustomerIoTool, number: int = 0, context: CallContext = RUN, **more: Any
) -> dict[str, Any]:
    message = {**EMAIL, "message_data": {"number": number}, **more}
    return tool.call("send_transactional_email", message, context=context)


def mails(sandbox: Sandbox) -> list[int]:
    """Return the numbers of the messages that arrived."""
    posts = [each for each in sandbox.requests() if each["operation"] == "send_email"]
    return [each["json"]["message_data"]["number"] for each in posts]


# The stores


def unit(name: str, ends: float = START + DAY) -> Unit:
    return Unit("c", name, ends)


def test_a_count_takes_each_unit_once_and_no_more_than_are_allowed(ledger: Ledger) -> None:
    assert [ledger.take(unit(name), 2, START) for name in ("a", "a", "b", "c", "b")] == [
        True,
        True,
        True,
        False,
        True,
    ]
    assert ledger.taken("c", START) == 2
    assert ledger.taken("other", START) == 0
    assert not ledger.take(unit("d"), 1, START), "a smaller budget opens nothing"


def test_a_unit_that_is_given_back_is_free_for_another(ledger: Ledger) -> None:
    ledger.take(unit("a"), 1, START)
    for name in ("a", "a", "never taken"):
        ledger.give_back(unit(name))
    assert ledger.taken("c", START) == 0
    assert ledger.take(unit("b"), 1, START)


def test_a_count_lasts_as_a_whole_until_its_last_unit_ends(ledger: Ledger) -> None:
    ledger.take(unit("a", START + DAY), 2, START)
    ledger.take(unit("b", START + DAY + 100), 2, START + 100)
    assert not ledger.take(unit("c", START + 2 * DAY), 2, START + DAY + 99)
    assert ledger.taken("c", START + DAY + 99) == 2
    assert ledger.taken("c", START + DAY + 100) == 0
    assert ledger.take(unit("d", START + 3 * DAY), 1, START + DAY + 100)
    assert ledger.taken("c", START + DAY + 100) == 1


def test_racing_threads_take_no_more_than_are_allowed(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: ledger.take(unit(str(n)), 7, START), range(40)))
    assert sum(taken) == 7


# The budget


def test_all_workers_of_a_run_share_its_budget(sandbox: Sandbox, ledger: Ledger) -> None:
    results = []
    for number in range(4):
        with worker_on(sandbox, ledger) as tool:
            results.append(code_of(send(tool, number)))
    assert results == ["", "", "policy_refused", "policy_refused"]
    with worker_on(sandbox, ledger) as tool:
        assert send(tool, 9, CallContext(run_id="tuesday"))["ok"]
    assert mails(sandbox) == [0, 1, 9]


def test_calls_without_a_run_share_a_budget_too(sandbox: Sandbox, ledger: Ledger) -> None:
    for number, context in enumerate([CallContext(), CallContext(run_id="")]):
        with worker_on(sandbox, ledger) as tool:
            assert send(tool, number, context)["ok"]
    with worker_on(sandbox, ledger) as tool:
        refused = send(tool, 2, CallContext())
        assert send(tool, 3, RUN)["ok"]
    assert "`run_id` in CallContext" in refused["summary"]
    assert refused["error"]["next_step"] == "give_up"


def test_what_certainly_did_not_go_costs_nothing(sandbox: Sandbox, ledger: Ledger) -> None:
    with worker_on(sandbox, ledger, 1) as tool:
        for number in range(3):
            assert code_of(send(tool, number, transactional_message_id="999")) == "request_rejected"
    with worker_on(sandbox, ledger, 1) as tool:
        assert send(tool, 7)["ok"]


def test_what_may_have_gone_counts(sandbox: Sandbox, ledger: Ledger) -> None:
    sandbox.fault(operation="send_email", action="reset_after_applying", times=1)
    with worker_on(sandbox, ledger, 1) as tool:
        assert code_of(send(tool)) == "outcome_unknown"
    with worker_on(sandbox, ledger, 1) as tool:
        assert code_of(send(tool, 1)) == "policy_refused"


@pytest.mark.parametrize("confirm", ["human", "repeat"])
@pytest.mark.parametrize("context", [RUN, CallContext()], ids=["run", "no run"])
def test_a_spent_budget_refuses_before_anybody_is_asked(
    sandbox: Sandbox, ledger: Ledger, confirm: str, context: CallContext
) -> None:
    with worker_on(sandbox, ledger, 1) as tool:
        send(tool, 0, context)
    with worker_on(sandbox, ledger, 1, confirm=confirm) as tool:
        refused = send(tool, 1, context)
        told = send(tool, 0, context)
        erasing = tool.call("delete_customer", {"customer_id": "u9"}, context=context)
    assert code_of(refused) == "policy_refused"
    assert "1 send" in refused["summary"]
    assert "`run_id`" in refused["summary"]
    assert refused.keys() == {"ok", "summary", "error"}
    assert told["outcome"] == "already_sent"
    assert code_of(erasing) == "confirmation_required"


@pytest.mark.parametrize("confirm", ["never", "human", "repeat"])
def test_a_spent_budget_asks_nobody_about_a_message_that_may_have_gone(
    sandbox: Sandbox, ledger: Ledger, confirm: str
) -> None:
    sandbox.fault(operation="send_email", action="reset_after_applying", times=1)
    with worker_on(sandbox, ledger, 1) as tool:
        send(tool)
    with worker_on(sandbox, ledger, 1, confirm=confirm) as tool:
        again = send(tool, idempotency_key="new")
    assert code_of(again) == "outcome_unknown"
    assert again["error"]["look"]
    assert "confirmation_id" not in again
    assert len(mails(sandbox)) == 1


def test_a_call_that_waited_for_a_person_is_counted_when_it_goes(
    sandbox: Sandbox, ledger: Ledger
) -> None:
    with (
        worker_on(sandbox, ledger, 1, confirm="human") as asking,
        worker_on(sandbox, ledger, 1) as other,
    ):
        waiting = send(asking, 0)["confirmation_id"]
        assert send(other, 1)["ok"]
        assert code_of(asking.approve(waiting)) == "policy_refused"
    assert mails(sandbox) == [1]


@pytest.mark.parametrize("confirm", ["never", "human", "repeat"])
def test_a_lost_ledger_refuses_a_counted_send_before_anybody_is_asked(
    sandbox: Sandbox, ledger: Ledger, confirm: str
) -> None:
    loseable = Loseable(ledger)
    loseable.lost = True
    with worker_on(sandbox, loseable, confirm=confirm) as tool:
        assert code_of(send(tool)) == "ledger_unavailable"
    assert mails(sandbox) == []


def test_under_best_effort_a_process_goes_on_by_what_it_counted(
    sandbox: Sandbox, ledger: Ledger
) -> None:
    loseable = Loseable(ledger)
    with worker_on(sandbox, loseable, 3, best_effort=True) as tool:
        sent = [send(tool, 0)["ok"]]
        loseable.lost = True
        sent += [send(tool, number)["ok"] for number in (1, 2, 3)]
    assert sent == [True, True, True, False]


def test_a_ledger_that_lacks_a_method_is_refused_before_any_call() -> None:
    class Half:
        def claim(self, key: str, entry: Any, now: float) -> None:
            return None

    with pytest.raises(TypeError, match="lacks find, settle, release, take, taken, give_back"):
        Backends(ledger=Half())  # type: ignore[arg-type]


# Processes


@contextmanager
def processes(shared: Shared, sandbox: Sandbox, **task: Any) -> Iterator[list[Any]]:
    """Run workers that are ready for their line."""
    command = [sys.executable, "-m", "tests.support.budget_worker", shared.name, shared.place]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with ExitStack() as ends:
        workers: list[Any] = []
        for number in range(task.pop("workers", WORKERS)):
            worker: Any = ends.enter_context(subprocess.Popen(command, cwd=ROOT, **pipes))
            ends.callback(worker.kill)
            mine = {"first": number * task["count"], **task, "saved": sandbox.connection()}
            worker.stdin.write(json.dumps(mine) + "\n")
            worker.stdin.flush()
            workers.append(worker)
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        yield workers


def go(worker: Any) -> None:
    worker.stdin.write("go\n")
    worker.stdin.flush()


def test_six_processes_with_one_run_keep_one_budget(sandbox: Sandbox, shared: Shared) -> None:
    with processes(shared, sandbox, budget=7, run="monday", count=5) as workers:
        for worker in workers:
            go(worker)
        codes = [code for worker in workers for code in json.loads(worker.stdout.readline())]
    assert sorted(codes) == [""] * 7 + ["policy_refused"] * (WORKERS * 5 - 7)
    assert len(mails(sandbox)) == 7


def test_a_process_that_dies_in_the_middle_of_a_send_gives_nothing_back(
    sandbox: Sandbox, shared: Shared
) -> None:
    sandbox.fault(operation="send_email", action="no_answer_after_applying", times=1)
    count = budget_key(Connection.load(sandbox.connection()).workspace_key, "monday")
    with processes(shared, sandbox, workers=1, budget=1, run="monday", count=1) as (worker,):
        with shared.opened() as ledger:
            go(worker)
            until = time.monotonic() + PATIENCE
            while not ledger.taken(count, sandbox.clock.now()):
                assert time.monotonic() < until
        worker.kill()
        worker.wait()
    with shared.opened() as ledger, worker_on(sandbox, ledger, 1) as tool:
        assert code_of(send(tool, 1)) == "policy_refused"
