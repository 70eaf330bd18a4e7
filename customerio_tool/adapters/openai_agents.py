"""The subtools as tools of the OpenAI Agents SDK; `needs_approval` asks as the policy does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from customerio_tool.adapters.gate import agated, asks_first
from customerio_tool.adapters.shape import context_of, installed
from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from agents import FunctionTool
    from agents.tool_context import ToolContext


def tools(tool: CustomerIoTool, *, detail: Detail = DEFAULT_DETAIL) -> list[FunctionTool]:
    """Return a `FunctionTool` for each subtool that may run; results are envelopes as JSON.

    Under a policy that asks a person, the run is interrupted before such a call. Approved by
    `state.approve(interruption)`, it runs once; rejected, it never reaches this tool. The run of
    `CallContext` is `run_id` of your context, as a member or attribute, or else the run
    configuration's `group_id`.

    Args:
        tool: The tool.
        detail: How much of the definitions a model is shown; see `CustomerIoTool.definitions`.

    Raises:
        ImportError: The package openai-agents is not installed.
    """
    with installed("openai-agents"):
        from agents import FunctionTool

    def made(definition: Mapping[str, Any]) -> FunctionTool:
        name = definition["name"]

        async def invoke(context: ToolContext[Any], arguments: str) -> str:
            host = context_of("openai_agents", _run_of(context))
            return compact(await agated(tool, name, arguments, host))

        return FunctionTool(
            name=name,
            description=definition["description"],
            params_json_schema=definition["input_schema"],
            on_invoke_tool=invoke,
            strict_json_schema=False,
            needs_approval=asks_first(tool, name),
        )

    return [made(definition) for definition in tool.definitions(detail=detail)]


def _run_of(context: ToolContext[Any]) -> object:
    own = context.context
    named = own.get("run_id") if isinstance(own, Mapping) else getattr(own, "run_id", None)
    return named or (context.run_config.group_id if context.run_config else None)
