"""A worker process of the tests of waiting calls: `-m tests.support.approval_worker STORE PLACE`.

It says `ready`. For each line on its input, an id, it takes that call and prints `1`, or `0` if it
did not get it.
"""

from __future__ import annotations

import sys

from customerio_tool.backends.approvals.waiting import MAX_BYTES
from tests.support.approval_stores import NOW, STORES


def main(store: str, place: str) -> None:
    """Take what is asked for."""
    with STORES[store].opened(place, MAX_BYTES) as approvals:
        say("ready")
        for line in sys.stdin:
            say(str(int(approvals.take("workspace", line.strip(), NOW) is not None)))


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
