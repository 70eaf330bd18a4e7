"""What tools keep in memory, and whether a process grows with its calls."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from benchmarks.clients import saved
from benchmarks.measuring import Figure, counted
from benchmarks.running import Run, fresh, resident
from customerio_tool import CustomerIoTool

KIB = 1024
ARGUMENTS = '{"customer_id": "u1", "attributes": {"plan": "pro"}}'


def measure(run: Run) -> Iterator[Figure]:
    """Measure each in a process of its own."""
    connection = json.dumps(saved(run.server))
    yield counted("memory/1", fresh("-m", __name__, "one", "1", connection) / KIB)
    for count in (200, 5_000) if not run.is_short else (200,):
        each = fresh("-m", __name__, "tools", str(count), connection)
        yield counted(f"memory/{count}", each / KIB)
    calls = str(run.size(500, 5_000))
    yield counted("memory/growth", fresh("-m", __name__, "growth", calls, connection))


def _one(connection: dict[str, str], _: int) -> float:
    _called(CustomerIoTool(connection))
    return resident()


def _tools(connection: dict[str, str], count: int) -> float:
    """Return the bytes of each tool; the tools of a process share a session."""
    tools = [CustomerIoTool(connection)]
    _called(tools[0])
    before = resident()
    for _ in range(count):
        tools.append(CustomerIoTool(connection))
        _called(tools[-1])
    return (resident() - before) / count


def _growth(connection: dict[str, str], calls: int) -> float:
    """Return the bytes per call by which a process grows after its first calls."""
    tool = CustomerIoTool(connection)
    for _ in range(calls // 2):
        _called(tool)
    before = resident()
    for _ in range(calls):
        _called(tool)
    return (resident() - before) / calls


def _called(tool: CustomerIoTool) -> None:
    tool.run("identify_customer", ARGUMENTS)


_MEASURES = {"one": _one, "tools": _tools, "growth": _growth}


def main(what: str, count: str, connection: str) -> None:
    """Print what was measured; be a process of its own."""
    print(_MEASURES[what](json.loads(connection), int(count)))  # noqa: T201 - read by `measure`


if __name__ == "__main__":
    main(*sys.argv[1:])
