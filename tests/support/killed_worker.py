"""A worker process that a test kills: `-m tests.support.killed_worker CONNECTION FILE NAME ARGS`.

It makes one call of the run `r`, with the ledger in a SQLite file, and prints what it waits for.
"""

from __future__ import annotations

import json
import sys
from functools import partial

from customerio_tool import Backends, CallContext, CustomerIoTool, SqliteLedger
from tests.support.clients import AnyPace


def main(connection: str, file: str, name: str, arguments: str) -> None:
    """Make the call."""
    backends = Backends(limiter=AnyPace(), ledger=SqliteLedger(file))
    with CustomerIoTool(json.loads(connection), backends=backends) as tool:
        context = CallContext(run_id="r", on_progress=partial(print, flush=True))
        tool.call(name, arguments, context=context)


if __name__ == "__main__":
    main(*sys.argv[1:])
