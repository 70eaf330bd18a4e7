"""A worker process of the ledger's tests: `-m tests.support.ledger_worker JOB STORE PLACE COUNT`.

It says `ready` and waits for a line. `race` then calls COUNT messages once each and prints how many
it sent; `hang` begins the one message, says `sending` and never ends.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from customerio_tool.backends.ledger.entry import Ledger
from customerio_tool.backends.ledger.redis import RedisLedger
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from customerio_tool.errors import SendInProgress
from tests.support.ledger_calls import Clock, Sender

STORES = {"sqlite": SqliteLedger, "redis": RedisLedger}


def main(job: str, store: str, place: str, count: str) -> None:
    """Do the job."""
    ledger: Ledger = STORES[store](place)
    sender = Sender(ledger, Clock())
    say("ready")
    sys.stdin.readline()
    if job == "hang":
        sender.meanwhile = hang
        sender.call()
    for number in range(int(count)):
        with suppress(SendInProgress):
            sender.call(customer_id=f"u{number}")
    say(str(sender.sent))


def hang() -> None:
    """Never come back."""
    say("sending")
    sys.stdin.read()


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
