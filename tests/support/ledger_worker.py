"""A worker process of the ledger's tests: `-m tests.support.ledger_worker JOB STORE PLACE COUNT`.

It says `ready` and waits for a line. `race` then calls COUNT messages once each and prints how many
it sent; `hang` begins the one message, says `sending` and never ends; `fork` claims on both sides
of a fork and says `both` where each knows what the other claimed.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from customerio_tool.backends.ledger.entry import Ledger
from customerio_tool.errors import SendInProgress
from tests.support.ledger_calls import START, Clock, Sender
from tests.support.ledger_stores import ENTRY, STORES


def main(job: str, store: str, place: str, count: str) -> None:
    """Do the job."""
    with STORES[store].opened(place) as ledger:
        say("ready")
        sys.stdin.readline()
        JOBS[job](ledger, int(count))


def race(ledger: Ledger, count: int) -> None:
    """Send what no other does."""
    sender = Sender(ledger, Clock())
    for number in range(count):
        with suppress(SendInProgress):
            sender.call(customer_id=f"u{number}")
    say(str(sender.sent))


def hang(ledger: Ledger, _count: int) -> None:
    """Never come back from a send."""
    sender = Sender(ledger, Clock())

    def never_end() -> None:
        say("sending")
        sys.stdin.read()

    sender.meanwhile = never_end
    sender.call()


def fork(ledger: Ledger, _count: int) -> None:
    """Use one ledger on both sides of a fork."""
    is_first = ledger.claim("parent", ENTRY, START) is None
    if (child := os.fork()) == 0:
        is_right = False
        try:
            knows = ledger.claim("parent", ENTRY, START) == ENTRY
            is_right = knows and ledger.claim("child", ENTRY, START) is None
        finally:
            os._exit(0 if is_right else 1)
    is_right = os.waitpid(child, 0)[1] == 0
    knows = ledger.claim("child", ENTRY, START) == ENTRY
    say("both" if is_first and is_right and knows else "not both")


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


JOBS = {"race": race, "hang": hang, "fork": fork}

if __name__ == "__main__":
    main(*sys.argv[1:])
