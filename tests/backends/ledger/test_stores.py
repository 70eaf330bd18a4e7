"""What each store promises beneath the rules: races, crashes, forks, outages, privacy."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest

from customerio_tool.backends.ledger.entry import Ledger, LedgerLost
from customerio_tool.errors import OutcomeUnknown, SendInProgress
from tests.support.ledger_calls import SECONDS, START, Clock, Sender
from tests.support.ledger_stores import ENTRY, Shared
from tests.support.workers import ready, said

KEYS = 200


def worker(
    job: str, shared: Shared, count: int = 0
) -> AbstractContextManager[subprocess.Popen[str]]:
    return ready("tests.support.ledger_worker", job, shared.name, shared.place, str(count))


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_racing_threads_send_each_message_once(ledger: Ledger) -> None:
    senders = [Sender(ledger, Clock()) for _ in range(8)]
    barrier = threading.Barrier(len(senders))

    def race(sender: Sender) -> None:
        barrier.wait()
        for number in range(KEYS):
            with suppress(SendInProgress):
                sender.call(customer_id=f"u{number}")

    threads = [threading.Thread(target=race, args=[sender]) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sender.sent for sender in senders) == KEYS


def test_two_racing_processes_send_each_message_once(shared: Shared) -> None:
    with worker("race", shared, KEYS) as one, worker("race", shared, KEYS) as other:
        go(one)
        go(other)
        shares = int(said(one)), int(said(other))
    assert sum(shares) == KEYS


def test_a_process_killed_between_send_and_answer_leaves_an_unknown_outcome(
    shared: Shared,
) -> None:
    with worker("hang", shared) as process:
        go(process)
        assert said(process) == "sending"
        process.send_signal(signal.SIGKILL)
        process.wait()
    with shared.opened() as ledger:
        survivor = Sender(ledger, Clock())
        with pytest.raises(SendInProgress):
            survivor.call()
        survivor.clock.now = START + SECONDS
        with pytest.raises(OutcomeUnknown):
            survivor.call()
    assert survivor.sent == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_ledger_made_before_a_fork_works_on_both_sides(shared: Shared) -> None:
    with worker("fork", shared) as process:
        go(process)
        assert said(process) == "both"


def test_nothing_personal_is_kept(shared: Shared) -> None:
    with shared.opened() as ledger:
        person: Any = {"customer_id": "ada-lovelace", "to": "ada-lovelace@example.com"}
        Sender(ledger, Clock()).call(idempotency_key="invoice-17", run_id="monday", **person)
        held = shared.held()
    assert b"delivery-1" in held
    # None is so short that a digest has it by chance.
    for text in (b"lovelace", b"example.com", b"danke", b"invoice-17", b"monday"):
        assert text not in held


def test_a_store_that_cannot_be_reached_is_a_lost_ledger_whose_text_does_not_say_where(
    shared: Shared, request: pytest.FixtureRequest
) -> None:
    place, where = shared.outside.lost(request)
    with shared.opened(place) as ledger:
        uses: list[Callable[[], object]] = [
            lambda: ledger.claim("k", ENTRY, START),
            lambda: ledger.settle("k", ENTRY, START),
            lambda: ledger.release("k"),
        ]
        for use in uses:
            with pytest.raises(LedgerLost) as caught:
                use()
            assert where not in str(caught.value)


def test_an_entry_is_found_by_every_worker_until_it_expires(shared: Shared) -> None:
    with shared.opened() as ledger, shared.opened() as other:
        assert other.find("k", START) is None
        ledger.settle("k", ENTRY, START)
        assert other.find("k", START) == ENTRY
        assert other.find("k", ENTRY.expires_at) is None
        ledger.release("k")
        assert other.find("k", START) is None
