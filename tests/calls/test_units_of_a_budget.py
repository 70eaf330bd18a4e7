"""What the budget of a run counts: a unit for each send, from before it goes."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.entry import Unit
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.calls.budget import SendBudget
from customerio_tool.calls.call import Call, CallContext
from customerio_tool.calls.message_keys import DAY, budget_key
from customerio_tool.calls.standby import Standby
from customerio_tool.errors import (
    LedgerUnavailable,
    PolicyRefused,
    RequestRejected,
    Unreachable,
)
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Invocation
from tests.support.clients import example_of
from tests.support.ledger_calls import START, Loseable

AT = Invocation(now=START, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
NOW = START + 3


class Counts(MemoryLedger):
    """A ledger that writes down what is done to its counts."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[Any, ...]] = []

    def take(self, unit: Unit, allowed: int, now: float) -> bool:
        self.done.append(("take", unit, allowed, now))
        return super().take(unit, allowed, now)

    def taken(self, count: str, now: float) -> int:
        self.done.append(("taken", count, now))
        return super().taken(count, now)

    def give_back(self, unit: Unit) -> None:
        self.done.append(("give back", unit))
        super().give_back(unit)


@pytest.fixture
def ledger() -> Counts:
    return Counts()


@pytest.fixture
def budget(ledger: Counts) -> SendBudget:
    return SendBudget(Backends(ledger=ledger), lambda: NOW)


def call_of(name: str = "trigger_broadcast", run: str | None = "r", **more: Any) -> Call[Any]:
    subtool = find(name)
    return Call(subtool, subtool.parse(example_of(name)), AT, CallContext(run_id=run), **more)


def sends() -> dict[str, Any]:
    return {"outcome": "accepted"}


def failing(failure: BaseException) -> Any:
    """Return a send that fails."""

    def send() -> dict[str, Any]:
        raise failure

    return send


@pytest.mark.parametrize("run", ["r", None])
def test_a_unit_is_taken_before_the_send_and_stays_taken(
    budget: SendBudget, ledger: Counts, run: str | None
) -> None:
    begun: list[Any] = []

    def send() -> dict[str, Any]:
        begun.extend(ledger.done)
        return sends()

    assert budget.within(call_of(run=run), 2, send)() == sends()
    ((what, unit, allowed, now),) = begun
    assert (what, allowed, now) == ("take", 2, NOW)
    assert (unit.count, unit.expires_at) == (budget_key("w", run), NOW + DAY)
    assert ledger.done == begun
    assert len(bytes.fromhex(unit.name)) == 16
    assert budget.within(call_of(run=run), 2, send)() == sends()
    assert ledger.done[-1][1].name != unit.name


@pytest.mark.parametrize(
    ("failure", "is_given_back"),
    [
        (RequestRejected("No."), True),
        (Unreachable("No.", took_effect="unknown"), False),
        (RuntimeError("No."), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_a_unit_is_given_back_only_where_nothing_was_sent(
    budget: SendBudget, ledger: Counts, failure: BaseException, is_given_back: bool
) -> None:
    with pytest.raises(type(failure)) as caught:
        budget.within(call_of(), 1, failing(failure))()
    assert caught.value is failure
    unit = ledger.done[0][1]
    assert ledger.done[1:] == ([("give back", unit)] if is_given_back else [])
    assert budget.is_spent(call_of(), 1) is not is_given_back


def test_while_a_send_waits_for_its_next_attempt_its_unit_is_free(
    budget: SendBudget, ledger: Counts
) -> None:
    standby, spent = Standby(), list[bool]()

    def send() -> dict[str, Any]:
        standby.begin()
        spent.append(budget.is_spent(call_of(), 1))
        standby.end()
        spent.append(budget.is_spent(call_of(), 1))
        return sends()

    budget.within(call_of(), 1, send, standby)()
    assert spent == [False, True]
    assert len({each[1] for each in ledger.done if each[0] != "taken"}) == 1


def test_a_send_whose_unit_another_took_meanwhile_does_not_go(budget: SendBudget) -> None:
    standby = Standby()

    def send() -> dict[str, Any]:
        standby.begin()
        budget.within(call_of(), 1, sends)()
        standby.end()
        return sends()

    with pytest.raises(PolicyRefused):
        budget.within(call_of(), 1, send, standby)()


NAMED = (
    "the calls of this run, which have one `run_id`, may have {} in all, and no more is left. Tell "
    "the user; the operator of this agent sets that number, `send_budget`."
)
UNNAMED = (
    "the calls of this workspace whose run the host did not name may have {} in all, and no more "
    "is left. Tell the user; the application that runs this agent can give each run a count of its "
    "own, by `run_id` in CallContext."
)


@pytest.mark.parametrize(
    ("run", "allowed", "told"),
    [
        ("r", 1, NAMED.format("1 send")),
        ("r", 0, NAMED.format("0 sends")),
        (None, 2, UNNAMED.format("2 sends")),
        (None, 1234, UNNAMED.format("1,234 sends")),
    ],
)
def test_a_send_beyond_the_budget_is_told_whose_it_is(
    budget: SendBudget, ledger: Counts, run: str | None, allowed: int, told: str
) -> None:
    for number in range(allowed):
        unit = Unit(budget_key("w", run), f"{number:x}", NOW + DAY)
        assert ledger.take(unit, allowed, NOW)
    assert budget.is_spent(call_of(run=run), allowed)
    assert not budget.is_spent(call_of(run=run), allowed + 1)
    for call in (call_of(run=run), call_of(run=run, is_spent=True)):
        with pytest.raises(PolicyRefused) as caught:
            budget.within(call, allowed, failing(AssertionError()))()
        assert caught.value.as_result() == {
            "ok": False,
            "summary": f"Nothing was sent now: {told}",
            "error": {"code": "policy_refused", "next_step": "give_up", "took_effect": "no"},
        }


def test_a_call_that_was_told_that_none_is_left_takes_none(
    budget: SendBudget, ledger: Counts
) -> None:
    with pytest.raises(PolicyRefused):
        budget.within(call_of(is_spent=True), 5, sends)()
    assert ledger.done == []


def test_where_no_budget_is_set_nothing_is_counted(budget: SendBudget, ledger: Counts) -> None:
    assert budget.within(call_of(), None, sends) is sends
    assert not budget.is_spent(call_of(), None)
    assert not budget.is_spent(call_of("identify_customer"), 0)
    assert ledger.done == []


def test_a_count_that_cannot_be_read_refuses_the_send() -> None:
    lost: Any = Loseable(MemoryLedger())
    lost.lost = True
    budget = SendBudget(Backends(ledger=lost), lambda: NOW)
    for ask in (budget.within(call_of(), 1, sends), lambda: budget.is_spent(call_of(), 1)):
        with pytest.raises(LedgerUnavailable) as caught:
            ask()
        assert str(caught.value) == (
            "Nothing was sent: the ledger that keeps the count of sends cannot be used."
        )
