"""A confirmation token serves one call, of all workers that share the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.entry import Ledger
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from tests.support.clients import EMAIL, AnyPace, code_of
from tests.support.ledger_calls import Loseable

CALLS = [
    ("delete_customer", {"customer_id": "u1"}),
    ("suppress_customer", {"customer_id": "u1"}),
    ("send_transactional_email", EMAIL),
]


def worker_on(sandbox: Sandbox, ledger: Any, **more: Any) -> CustomerIoTool:
    backends = Backends(ledger=ledger, limiter=AnyPace(), **more)
    clock = Clock(now=sandbox.clock.now)
    return CustomerIoTool(
        sandbox.connection(), policy={"confirm": "repeat"}, backends=backends, clock=clock
    )


def with_token(tool: CustomerIoTool, name: str, arguments: Any) -> dict[str, Any]:
    return {**arguments, "confirmation_token": tool.call(name, arguments)["confirmation_token"]}


def writes(sandbox: Sandbox) -> int:
    return len([each for each in sandbox.requests() if each["method"] != "GET"])


@pytest.mark.parametrize(("name", "arguments"), CALLS, ids=[name for name, _ in CALLS])
def test_a_token_serves_one_call_of_all_workers(
    sandbox: Sandbox, ledger: Ledger, name: str, arguments: dict[str, Any]
) -> None:
    with worker_on(sandbox, ledger) as one, worker_on(sandbox, ledger) as other:
        confirmed = with_token(one, name, arguments)
        assert other.call(name, confirmed)["ok"]
        for worker in (one, other):
            replayed = worker.call(name, confirmed)
            assert code_of(replayed) == "confirmation_required"
            assert "has served a call" in replayed["summary"]
        assert writes(sandbox) == 1
        fresh = {**arguments, "confirmation_token": replayed["confirmation_token"]}
        assert one.call(name, fresh)["ok"], "the new token that a replay gives is good"


@pytest.mark.parametrize("fault", [{"status": 503}, {"action": "reset_after_applying"}], ids=str)
def test_a_token_of_a_call_that_failed_has_served(
    sandbox: Sandbox, ledger: Ledger, fault: dict[str, Any]
) -> None:
    sandbox.fault(**fault, method="DELETE", times=9)
    with worker_on(sandbox, ledger) as tool:
        confirmed = with_token(tool, "delete_customer", {"customer_id": "u1"})
        assert not tool.call("delete_customer", confirmed)["ok"]
        again = tool.call("delete_customer", confirmed)
    assert code_of(again) == "confirmation_required"


def test_of_many_calls_at_once_a_token_serves_one(sandbox: Sandbox, ledger: Ledger) -> None:
    with worker_on(sandbox, ledger) as tool, ThreadPoolExecutor(8) as pool:
        confirmed = with_token(tool, "delete_customer", {"customer_id": "u1"})
        results = list(pool.map(lambda _: tool.call("delete_customer", confirmed), range(16)))
    assert sum(result["ok"] for result in results) == 1
    assert writes(sandbox) == 1


def test_a_lost_ledger_lets_no_token_serve(sandbox: Sandbox, ledger: Ledger) -> None:
    loseable = Loseable(ledger)
    with worker_on(sandbox, loseable) as tool:
        confirmed = with_token(tool, "delete_customer", {"customer_id": "u1"})
        loseable.lost = True
        assert code_of(tool.call("delete_customer", confirmed)) == "ledger_unavailable"
        loseable.lost = False
        assert tool.call("delete_customer", confirmed)["ok"], "it has not served yet"
    assert writes(sandbox) == 1


def test_under_best_effort_a_process_lets_a_token_serve_once(
    sandbox: Sandbox, ledger: Ledger
) -> None:
    loseable = Loseable(ledger)
    loseable.lost = True
    with worker_on(sandbox, loseable, best_effort=True) as tool:
        confirmed = with_token(tool, "delete_customer", {"customer_id": "u1"})
        assert tool.call("delete_customer", confirmed)["ok"]
        assert code_of(tool.call("delete_customer", confirmed)) == "confirmation_required"
