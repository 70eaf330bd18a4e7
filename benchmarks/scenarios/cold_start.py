"""What a fresh process costs until its first finished call, in CPU time over bare Python.

It has what `pip install customerio-tool customerio` installs, and no more.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks import clients
from benchmarks.installing import installed
from benchmarks.measuring import Figure, Spread
from benchmarks.running import Run, fresh

_TOLD = "\nimport time\nprint(time.process_time())"
_CALL = """
from customerio_tool import CustomerIoTool
tool = CustomerIoTool({saved!r})
assert tool.call("identify_customer", '{{"customer_id": "u1", "attributes": {{}}}}')["ok"]
"""
_SDK = """
from customerio import CustomerIO
client = CustomerIO("s", "t", retries=0)
client.base_url = {url!r} + "/api/v1"
client.identify("u1")
"""
_LISTED = """
from customerio_tool import CustomerIoTool
assert len(CustomerIoTool.definitions()) >= 24
"""
_OF_A_TOOL = """
from customerio_tool import CustomerIoTool
assert len(CustomerIoTool({saved!r}).definitions()) >= 24
"""
MILLISECONDS = 1000.0


def measure(run: Run) -> Iterator[Figure]:
    """Start each program in turn, in a new order each round."""
    spent = _spent(run)
    bare = spent["bare"]
    over = {
        name: [one - floor for one, floor in zip(seconds, bare, strict=True)]
        for name, seconds in spent.items()
    }
    both = zip(over["call"], over["customerio"], strict=True)
    yield Figure("cold/customerio", Spread.of(ours / theirs for ours, theirs in both))
    names = {
        "cold/ms": "call",
        "cold/import": "import",
        "cold/definitions": "definitions",
        "cold/of a tool": "of a tool",
    }
    for key, name in names.items():
        yield Figure(key, Spread.of(MILLISECONDS * seconds for seconds in over[name]))


def _spent(run: Run) -> dict[str, list[float]]:
    saved, url = clients.saved(run.server), run.server.origin()
    programs = {
        "bare": "",
        "import": "import customerio_tool",
        "call": _CALL.format(saved=saved),
        "customerio": _SDK.format(url=url),
        "definitions": _LISTED,
        "of a tool": _OF_A_TOOL.format(saved=saved),
    }
    spent: dict[str, list[float]] = {name: [] for name in programs}
    order, shuffle = list(programs), random.Random(24).shuffle  # noqa: S311 - an order, no secret
    with installed("customerio-tool", "customerio") as path:
        for number in range(1 + run.size(4, 16)):
            shuffle(order)
            for name in order:
                seconds = fresh("-c", programs[name] + _TOLD, path=path)
                if number:  # the first compiles what is not yet
                    spent[name].append(seconds)
    return spent
