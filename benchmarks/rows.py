"""The figures that are promised: each with what it must be and the goal, declared once.

The gate, the tables and the chart of the README read them here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["x", "%", "KiB", "ms", "us", "bytes", "tokens", ""]

SLACK = 1.25
"""How far a figure may exceed what it must be before the short mode fails: machines are noisy."""

_WALL = "threads share the cores with the server, so the wall time of a small machine decides it"
_SIZE = "the short mode measures it at a small size"
_MACHINE = "it is a time, which the machine decides"


@dataclass(frozen=True)
class Row:
    """One figure.

    Args:
        key: The name under which a scenario tells it.
        title: What it is, in the words of the table.
        unit: The unit; `x` is a ratio.
        must: What it must not exceed, or fall below where `more` is better.
        goal: What would be good.
        more: Whether more is better.
        shown: Why the short mode does not fail on it; "" where it does.
        drawn: Whether the chart has it.
    """

    key: str
    title: str
    unit: Unit = "x"
    must: float | None = None
    goal: float | None = None
    more: bool = False
    shown: str = ""
    drawn: bool = False

    @property
    def is_gated(self) -> bool:
        """Whether the short mode fails on it."""
        return self.must is not None and not self.shown

    def holds(self, value: float, slack: float = 1.0) -> bool:
        """Whether a value is what it must be, or at most that many times worse."""
        if self.must is None:
            return True
        return value * slack >= self.must if self.more else value <= self.must * slack


def _call(
    operation: str,
    peer: str,
    must: float | None = None,
    goal: float | None = None,
    shown: str = "",
) -> Row:
    key = f"{operation}/{peer}"
    title = f"`{operation}` / {_PEERS[peer]}"
    return Row(key, title, must=must, goal=goal, shown=shown, drawn=must is not None)


_PEERS = {
    "requests": "bare requests",
    "urllib3": "bare urllib3",
    "http.client": "bare http.client",
    "customerio": "`customerio`",
    "async-customerio": "`async-customerio`",
}

ROWS: dict[str, tuple[Row, ...]] = {
    "connections": (
        Row("tls/new", "new TLS connection / bare requests", must=0.20, goal=0.10, drawn=True),
        Row("tls/KiB", "memory of an open TLS connection", "KiB", 80, 40),
        Row("tls/KiB requests", "the same, bare requests", "KiB"),
        Row("idle/new", "new connections of a repeatable POST after 60 s idle", "", 0, 0),
        Row("idle/new send", "the same of a send, which may not be repeated", ""),
    ),
    "calls": (
        _call("identify_customer", "requests", 0.90, 0.82),
        _call("track_event", "requests", 0.90, 0.82),
        _call("identify_customer", "customerio", 0.90, 0.80),
        _call("track_event", "customerio", 0.90, 0.80),
        _call("send_transactional_email", "customerio", 0.98, 0.88),
        _call("get_customer_attributes", "requests"),
        _call("send_transactional_email", "requests"),
        _call("identify_customer", "urllib3"),
        _call("track_event", "urllib3"),
        _call("identify_customer", "http.client"),
        _call("identify_customer", "async-customerio"),
        _call("send_transactional_email", "async-customerio"),
    ),
    "items": (
        Row("ids/plain", "each further id of a segment / one urllib3 request", "%", 0.5, 0.3),
        Row("ids/e-mail", "the same, e-mail addresses", "%"),
        Row("ids/other", "the same, ids that are not ASCII", "%"),
        Row(
            "list_messages/200",
            "`list_messages`, 200 rows / bare requests",
            must=5,
            goal=3,
        ),
        Row("list_campaigns/200", "`list_campaigns`, 200 rows / bare requests", must=5, goal=3),
        Row("list_messages/20", "`list_messages`, 20 rows / bare requests"),
    ),
    "conversations": (
        Row(
            "threads/requests",
            "8 threads, calls per second / bare requests",
            must=1.2,
            goal=1.5,
            more=True,
            shown=_WALL,
        ),
        Row("threads/customerio", "the same / `customerio`", more=True),
        Row(
            "waiting/aiohttp",
            "300 waiting `acall`s, 300 threads, API of 100 ms / aiohttp, calls per second",
            must=0.6,
            goal=0.8,
            more=True,
            shown=_WALL,
        ),
        Row(
            "waiting/aiohttp https",
            "300 waiting `acall`s over TLS, as the API is / aiohttp, calls per second",
            must=0.6,
            goal=0.8,
            more=True,
            shown=_WALL,
        ),
        Row("waiting/64 threads", "the same with the usual 64 threads / aiohttp", more=True),
        Row("waiting/per second", "calls per second of the 300 threads", "", more=True),
        Row("reads/refused", "1,000 equal workspace reads at once: refused", "", 0, 0),
    ),
    "cold_start": (
        Row(
            "cold/customerio",
            "cold start to one call / `customerio`",
            must=2.2,
            goal=1.9,
            drawn=True,
        ),
        Row("cold/ms", "cold start to one call, over bare Python", "ms"),
        Row("cold/import", "`import customerio_tool`, over bare Python", "ms"),
        Row(
            "cold/definitions",
            "`CustomerIoTool.definitions()` in a fresh process, over bare Python",
            "ms",
            30,
            15,
            shown=_MACHINE,
        ),
        Row("cold/of a tool", "the same of a tool with a connection", "ms"),
    ),
    "memory": (
        Row("memory/1", "a process with one tool, after one call", "KiB"),
        Row("memory/200", "each of 200 tools, called once", "KiB"),
        Row("memory/5000", "each of 5,000 tools, called once", "KiB"),
        Row("memory/growth", "growth of the process per call, over many calls", "bytes"),
    ),
    "ledgers": (
        Row(
            "sqlite/opened",
            "SQLite ledger, a send / one that opens the file for each write",
            must=0.35,
            goal=0.25,
        ),
        Row(
            "memory ledger/longest",
            "longest claim while 10^6 expire, in memory",
            "ms",
            50,
            10,
            shown=_MACHINE,
        ),
        Row(
            "sqlite/longest",
            "longest claim while 10^6 expire, SQLite",
            "ms",
            50,
            10,
            shown=_MACHINE,
        ),
        Row("memory ledger/us", "a send in the memory ledger, at 10^6 sends", "us"),
        Row("memory ledger/bytes", "memory of a send in it", "bytes"),
        Row("sqlite/us", "a send in the SQLite ledger, at 10^6 sends", "us"),
        Row("sqlite/bytes", "disk space of a send in it", "bytes"),
        Row("redis/us", "a send in the Redis ledger, at 10^6 sends", "us"),
        Row("redis/bytes", "memory of a send in it", "bytes"),
    ),
    "local_customerio": (
        Row(
            "sandbox/slowest",
            "local Customer.io with 10^5 people: slowest read of the App API",
            "ms",
            50,
            10,
            shown=f"{_SIZE}, and {_MACHINE}",
        ),
        Row("sandbox/identify", "the same: identify a person", "ms"),
    ),
    "tokens": (
        Row("tokens/full", "tokens of the 24 for OpenAI, `full`", "tokens"),
        Row("tokens/compact", "tokens of the 24 for OpenAI, `compact`", "tokens", 2_900, 2_600),
        Row("tokens/basic", "tokens of the 24 for OpenAI, `basic`", "tokens", 2_600, 2_300),
        Row("tokens/reader", "tokens of the reads for OpenAI, `compact`", "tokens", 800, 690),
        Row(
            "tokens/strict",
            "tokens of the 24 in OpenAI's strict form, `compact`",
            "tokens",
            3_700,
            3_200,
        ),
        Row(
            "tokens/list_messages", "tokens of `list_messages`, default reply", "tokens", 1_200, 900
        ),
        Row(
            "tokens/metrics", "tokens of `get_campaign_metrics`, default reply", "tokens", 250, 120
        ),
        Row("tokens/mcp", "tokens of all that MCP's `tools/list` sends", "tokens", 7_500, 5_500),
    ),
}
"""The rows of each scenario, in the order of the table."""

PROMISED = tuple(row for rows in ROWS.values() for row in rows if row.must is not None)
