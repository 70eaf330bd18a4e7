"""A worker process with a budget of sends: `-m tests.support.budget_worker STORE PLACE`.

It reads a JSON object from its first line: the `saved` connection, the `budget`, the `run`, and
the `first` and `count` of the numbers that it sends. It says `ready`, waits for a line, makes the
calls, and prints the codes of their results as JSON.
"""

from __future__ import annotations

import json
import sys

from customerio_tool import Backends, CallContext, CustomerIoTool
from tests.support.clients import EMAIL, AnyPace, code_of
from tests.support.ledger_stores import STORES


def main(store: str, place: str) -> None:
    """Make the calls."""
    task = json.loads(sys.stdin.readline())
    with STORES[store].opened(place) as ledger:
        backends = Backends(ledger=ledger, limiter=AnyPace())
        policy = {"send_budget": task["budget"]}
        with CustomerIoTool(task["saved"], policy=policy, backends=backends) as tool:
            say("ready")
            sys.stdin.readline()
            codes = []
            for number in range(task["first"], task["first"] + task["count"]):
                message = {**EMAIL, "message_data": {"number": number}}
                run = CallContext(run_id=task["run"])
                codes.append(code_of(tool.call("send_transactional_email", message, context=run)))
    say(json.dumps(codes))


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
