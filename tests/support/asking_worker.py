"""A worker of a host, on the environment's connection: `-m tests.support.asking_worker`.

Each line on its input is JSON: `["call", NAME, ARGUMENTS]` or `["approve", ID]`. It does it and
prints the result, also as JSON. It ends with its input.
"""

from __future__ import annotations

import json
import sys

from customerio_tool import CustomerIoTool


def main() -> None:
    """Do what each line says."""
    with CustomerIoTool.from_env() as tool:
        for line in sys.stdin:
            verb, *given = json.loads(line)
            sys.stdout.write(json.dumps(getattr(tool, verb)(*given)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
