"""How many tokens of a prompt the definitions and the replies take (o200k)."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measuring import Figure, counted
from benchmarks.running import Run
from customerio_tool import CustomerIoTool
from customerio_tool.doors.cli import tokens
from customerio_tool.sets import sets


def measure(run: Run) -> Iterator[Figure]:  # noqa: ARG001 - it needs no server
    """Count what a model is given."""
    return counts()


def counts() -> Iterator[Figure]:
    """Count it; the tests hold it to the budgets too."""
    whole = tokens.counted("openai")
    yield from (counted(f"tokens/{detail}", whole[detail]) for detail in tokens.DETAILS)
    reader = tokens.counted("openai", sets()["reader"])
    yield counted("tokens/reader", reader["compact"])
    yield counted("tokens/strict", tokens.counted("openai_strict")["compact"])
    yield counted("tokens/mcp", tokens.counted_for_mcp()["full"])
    with CustomerIoTool.sandbox() as tool:
        metrics = {"campaign_id": 12}
        yield counted("tokens/list_messages", tokens.counter()(tool.run("list_messages")))
        yield counted("tokens/metrics", tokens.counter()(tool.run("get_campaign_metrics", metrics)))
