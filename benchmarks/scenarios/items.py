"""What each further id of a call and each further row of a reply costs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from benchmarks import clients
from benchmarks.measuring import Contender, Figure, Spread, compared, each
from benchmarks.running import Run
from customerio_tool import CustomerIoTool

IDS = 1_000
PERCENT = 100.0
KINDS: Mapping[str, Callable[[int], str]] = {
    "plain": "user-{:06}".format,
    "e-mail": "user{}@example.com".format,
    "other": "用户-ü{}".format,
}
LISTS = {
    "list_messages/200": ("list_messages", {"limit": 200}, "/v1/messages?limit=200"),
    "list_campaigns/200": ("list_campaigns", {}, "/v1/campaigns"),
    "list_messages/20": ("list_messages", {"limit": 20}, "/v1/messages?limit=20"),
}


def measure(run: Run) -> Iterator[Figure]:
    """Measure ids beside one request of urllib3, and lists beside bare requests."""
    with clients.ours(run.server) as tool:
        for kind, made in KINDS.items():
            yield _ids(run, tool, f"ids/{kind}", made)
        for key, (name, arguments, target) in LISTS.items():
            yield _listed(run, key, _calls(tool, name, arguments), target)


def _calls(tool: CustomerIoTool, name: str, arguments: Mapping[str, Any]) -> Contender:
    return each(partial(tool.run, name, json.dumps(arguments)))


def _ids(run: Run, tool: CustomerIoTool, key: str, made: Callable[[int], str]) -> Figure:
    bare = clients.by_urllib3(run.server)
    target = "/api/v1/segments/1/add_customers"
    contenders = {
        **{str(count): _calls(tool, "add_to_segment", _members(count, made)) for count in (1, IDS)},
        "urllib3": each(lambda: bare("POST", target, {"ids": [made(0)]})),
    }
    times = compared(contenders, rounds=run.size(8, 20), calls=run.size(4, 8))
    rounds = zip(times.cpu[str(IDS)], times.cpu["1"], times.cpu["urllib3"], strict=True)
    shares = ((many - one) / (IDS - 1) / request for many, one, request in rounds)
    return Figure(key, Spread.of(PERCENT * share for share in shares))


def _members(count: int, made: Callable[[int], str]) -> dict[str, Any]:
    return {"segment_id": 1, "customer_ids": [made(number) for number in range(count)]}


def _listed(run: Run, key: str, ours: Contender, target: str) -> Figure:
    bare = clients.by_requests(run.server)
    contenders = {"ours": ours, "requests": each(lambda: bare("GET", target))}
    times = compared(contenders, rounds=run.size(8, 20), calls=run.size(4, 8))
    return times.ratio(key, "ours", "requests")
