"""A send that was refused for sure is not under way while it waits for its next attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from customerio_tool import Backends, CallContext, CustomerIoTool, SqliteLedger
from customerio_tool.backends.ledger.entry import Entry, Ledger
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace, code_of
from tests.support.ledger_calls import Died, Loseable, MortalLedger
from tests.support.retries import BROADCAST_CALL, MAIL_CALL, NOW, SkippingClock

RUN = CallContext(run_id="r", deadline_seconds=60)
SENDS = [MAIL_CALL, BROADCAST_CALL]
BUDGETS: list[dict[str, Any]] = [{}, {"send_budget": 1}]
MAIL = {"operation": "send_email"}


def tool_of(
    sandbox: Sandbox,
    ledger: Ledger,
    clock: SkippingClock,
    meanwhile: Callable[[], object] = bool,
    **policy: Any,
) -> CustomerIoTool:
    """Return a tool; something else happens each time that it sleeps."""

    def sleep(seconds: float) -> None:
        meanwhile()
        clock.sleep(seconds)

    backends = Backends(limiter=AnyPace(), ledger=ledger)
    clocks = replace(clock.whole(), sleep=sleep)
    return CustomerIoTool(sandbox.connection(), backends=backends, clock=clocks, policy=policy)


def posts(sandbox: Sandbox) -> int:
    return sum(each["method"] == "POST" for each in sandbox.requests())


@pytest.mark.parametrize("is_dead", [True, False], ids=["killed", "interrupted"])
@pytest.mark.parametrize("call", SENDS, ids=[name for name, _ in SENDS])
@pytest.mark.parametrize("policy", BUDGETS, ids=["no budget", "budget"])
def test_a_process_that_dies_after_a_429_leaves_no_doubt(
    sandbox: Sandbox, call: tuple[str, dict[str, Any]], policy: dict[str, Any], is_dead: bool
) -> None:
    ledger, clock = MortalLedger(), SkippingClock()

    def die() -> None:
        ledger.is_dead = is_dead
        raise Died

    sandbox.fault(api="app", method="POST", status=429, times=1)
    with tool_of(sandbox, ledger, clock, die, **policy) as mortal, pytest.raises(Died):
        mortal.call(*call, context=RUN)
    ledger.is_dead = False
    with tool_of(sandbox, ledger, clock, **policy) as tool:
        assert tool.call(*call, context=RUN)["outcome"] == "accepted"
        assert tool.call(*call, context=RUN)["outcome"] == "already_sent"
    assert posts(sandbox) == 2


@pytest.mark.parametrize("key", [None, "order-17"], ids=["no key", "a key of the caller"])
@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_message_that_another_call_sends_meanwhile_goes_once(
    sandbox: Sandbox, tmp_path: Path, store: str, key: str | None
) -> None:
    ledger: Ledger = MemoryLedger() if store == "memory" else SqliteLedger(tmp_path / "sends.db")
    clock, others = SkippingClock(), []
    name, arguments = MAIL_CALL
    mail = {**arguments, **({"idempotency_key": key} if key else {})}

    def send() -> None:
        others.append(other.call(name, mail, context=RUN))

    sandbox.fault(**MAIL, status=429, times=1)
    with (
        tool_of(sandbox, ledger, clock, send_budget=2) as other,
        tool_of(sandbox, ledger, clock, send, send_budget=2) as tool,
    ):
        told = tool.call(name, mail, context=RUN)
        assert (told["outcome"], others[0]["outcome"]) == ("already_sent", "accepted")
        assert told["delivery_id"] == others[0]["delivery_id"]
        assert posts(sandbox) == 2
        second = tool.call(name, {**arguments, "to": "zoe@example.com"}, context=RUN)
        third = tool.call(name, {**arguments, "to": "eve@example.com"}, context=RUN)
    assert second["ok"], "only what went counts"
    assert code_of(third) == "policy_refused"


@pytest.mark.parametrize("key", [{}, {"idempotency_key": "order-17"}], ids=["no key", "a key"])
def test_a_message_that_is_in_doubt_after_its_wait_is_kept_as_such(
    sandbox: Sandbox, key: dict[str, str]
) -> None:
    name, arguments = MAIL_CALL
    sandbox.fault(**MAIL, status=429, times=1)
    sandbox.fault(**MAIL, action="reset_after_applying", times=1)
    with tool_of(sandbox, MemoryLedger(), SkippingClock()) as tool:
        mail = {**arguments, **key}
        told = [code_of(tool.call(name, mail, context=RUN)) for _ in range(2)]
    assert told == ["outcome_unknown"] * 2
    assert posts(sandbox) == 2


def test_a_doubt_that_arises_during_the_wait_is_looked_at_before_the_message_goes(
    sandbox: Sandbox,
) -> None:
    ledger, clock, others = MemoryLedger(), SkippingClock(), list[str]()
    name, arguments = MAIL_CALL

    def lose() -> None:
        if not others:
            others.append("")
            other = {**arguments, "subject": "another"}
            others[0] = code_of(tool.call(name, other, context=RUN))

    sandbox.fault(**MAIL, status=429, times=1)
    sandbox.fault(**MAIL, action="reset_after_applying", times=1)
    with tool_of(sandbox, ledger, clock, lose) as tool:
        told = tool.call(*MAIL_CALL, context=RUN)
    assert (others, code_of(told)) == (["outcome_unknown"], "confirmation_required")
    assert "possibly" in told
    assert posts(sandbox) == 2


def test_a_message_that_another_call_is_sending_meanwhile_is_left_to_it(sandbox: Sandbox) -> None:
    ledger, clock = MortalLedger(), SkippingClock()
    theirs: list[tuple[str, Entry]] = []

    def send() -> None:
        key = ledger.claimed[0]
        theirs.append((key, replace(begun[0], ends_at=NOW + 300, started_at=NOW)))
        assert ledger.claim(*theirs[0], clock.now()) is None

    def note(_: object) -> None:
        held = ledger.find(ledger.claimed[0], clock.now())
        begun.extend([held] if held else [])

    begun: list[Entry] = []
    sandbox.fault(**MAIL, status=429, times=1)
    with tool_of(sandbox, ledger, clock, send) as tool:
        told = tool.call(*MAIL_CALL, context=replace(RUN, on_exchange=note))
    assert code_of(told) == "send_in_progress"
    assert posts(sandbox) == 1
    assert ledger.find(theirs[0][0], clock.now()) == theirs[0][1]


def test_a_ledger_that_is_lost_meanwhile_lets_nothing_go_and_is_left_clean(
    sandbox: Sandbox,
) -> None:
    ledger, clock = Loseable(MemoryLedger()), SkippingClock()
    sandbox.fault(**MAIL, status=429, times=1)

    def lose() -> None:
        ledger.lost = True

    with tool_of(sandbox, ledger, clock, lose) as tool:
        assert code_of(tool.call(*MAIL_CALL, context=RUN)) == "ledger_unavailable"
        assert posts(sandbox) == 1
        ledger.lost = False
        assert tool.call(*MAIL_CALL, context=RUN)["outcome"] == "accepted"


def test_a_ledger_that_is_back_after_the_wait_is_used(sandbox: Sandbox) -> None:
    ledger, clock = Loseable(MemoryLedger()), SkippingClock()
    sandbox.fault(**MAIL, status=429, times=1)

    def lose(_: object) -> None:
        ledger.lost = posts(sandbox) == 1

    def find() -> None:
        ledger.lost = False

    with tool_of(sandbox, ledger, clock, find) as tool:
        told = tool.call(*MAIL_CALL, context=replace(RUN, on_exchange=lose))
        assert told["outcome"] == "accepted"
        assert tool.call(*MAIL_CALL, context=RUN)["outcome"] == "already_sent"
    assert posts(sandbox) == 2


def test_a_doubt_that_a_person_let_go_again_is_one_again_if_the_process_dies_meanwhile(
    sandbox: Sandbox,
) -> None:
    ledger, clock = MortalLedger(), SkippingClock()

    def die() -> None:
        ledger.is_dead = True
        raise Died

    name, arguments = MAIL_CALL
    sandbox.fault(**MAIL, action="reset_before_applying", times=1)
    with tool_of(sandbox, ledger, clock, die) as tool:
        assert code_of(tool.call(*MAIL_CALL, context=RUN)) == "outcome_unknown"
        asked = tool.call(name, {**arguments, "idempotency_key": "again"}, context=RUN)
        sandbox.fault(**MAIL, status=429, times=1)
        with pytest.raises(Died):
            tool.approve(asked["confirmation_id"], context=RUN)
        ledger.is_dead = False
        assert code_of(tool.call(*MAIL_CALL, context=RUN)) == "outcome_unknown"
    assert posts(sandbox) == 2
