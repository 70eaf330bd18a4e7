"""How many tokens of a prompt the definitions and the replies take (o200k)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import mcp_types as types

from benchmarks.measuring import Figure, counted
from benchmarks.running import Run
from customerio_tool import CustomerIoTool, Policy
from customerio_tool.doors.mcp.views import Views


@cache
def _encoding() -> Any:
    from bpe_openai import get_encoding  # type: ignore[import-untyped]

    return get_encoding("o200k_base")


def tokens(value: Any) -> int:
    """Return the tokens of a value as compact JSON."""
    return len(_encoding().encode(json.dumps(value, separators=(",", ":"), ensure_ascii=False)))


def measure(run: Run) -> Iterator[Figure]:  # noqa: ARG001 - it needs no server
    """Count what a model is given."""
    with CustomerIoTool.sandbox() as tool:
        yield counted("tokens/full", tokens(tool.definitions(dialect="openai")))
        yield counted("tokens/list_messages", tokens(tool.run("list_messages")))
        metrics = tool.run("get_campaign_metrics", {"campaign_id": 12})
        yield counted("tokens/metrics", tokens(metrics))
        yield counted("tokens/mcp", tokens(_listed(tool)))


def _listed(tool: CustomerIoTool) -> Any:
    """Return what `tools/list` sends."""
    listed = types.ListToolsResult(tools=[*Views(lambda _: tool, Policy()).whole.tools.values()])
    return listed.model_dump(mode="json", by_alias=True, exclude_none=True)
