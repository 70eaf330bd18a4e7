"""The subtools as a toolset of Pydantic AI, which defers the calls that a person must approve."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from customerio_tool.adapters.asking import aasked, question
from customerio_tool.adapters.shape import Envelope, context_of, installed
from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from pydantic_ai import RunContext
    from pydantic_ai.toolsets import AbstractToolset, ToolsetTool


def toolset(tool: CustomerIoTool, *, detail: Detail = DEFAULT_DETAIL) -> AbstractToolset[Any]:
    """Return a toolset of the subtools that may run; results are envelopes.

    Under a policy that asks a person, such a call raises `ApprovalRequired`, whose metadata is the
    question to the person, and the run ends with `DeferredToolRequests`. The next run, with the
    messages of that one and `DeferredToolResults`, runs the call that waited; a call that was
    edited meanwhile is a new question. The run of `CallContext` is the conversation.

    Args:
        tool: The tool.
        detail: How much of the definitions a model is shown; see `CustomerIoTool.definitions`.

    Raises:
        ImportError: The package pydantic-ai-slim is not installed.
    """
    with installed("pydantic-ai-slim"):
        from pydantic_ai import ApprovalRequired, ToolDefinition
        from pydantic_ai.toolsets import AbstractToolset, ToolsetTool
    from pydantic_core import SchemaValidator, core_schema

    # Any object: our own errors tell a model more than a validator's.
    customerio, any_object = tool, SchemaValidator(core_schema.dict_schema())

    class Toolset(AbstractToolset[Any]):
        @property
        def id(self) -> str:
            return "customerio"

        async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:  # noqa: ARG002 - its signature
            return {
                definition["name"]: ToolsetTool(
                    toolset=self,
                    tool_def=ToolDefinition(
                        name=definition["name"],
                        description=definition["description"],
                        parameters_json_schema=definition["input_schema"],
                        strict=False,
                    ),
                    max_retries=1,
                    args_validator=any_object,
                )
                for definition in tool.definitions(detail=detail)
            }

        async def call_tool(
            self,
            name: str,
            tool_args: dict[str, Any],
            ctx: RunContext[Any],
            tool: ToolsetTool[Any],  # noqa: ARG002 - its signature
        ) -> Envelope:
            context = context_of("pydantic_ai", ctx.conversation_id or ctx.run_id)
            envelope, waiting, is_new = await aasked(customerio, name, tool_args, context)
            if waiting is None:
                return envelope
            if ctx.tool_call_approved and not is_new and not _is_edited(ctx, tool_args):
                return await customerio.aapprove(waiting, context=context)
            raise ApprovalRequired(await asyncio.to_thread(question, customerio, waiting))

    return Toolset()


def _is_edited(ctx: RunContext[Any], tool_args: dict[str, Any]) -> bool:
    """Whether these are not the arguments that the model gave, which a person was asked about.

    Edited arguments may be those of another call that waits, about which nobody said yes.
    """
    parts = (part for message in ctx.messages for part in message.parts)
    asked = [
        part
        for part in parts
        if part.part_kind == "tool-call" and part.tool_call_id == ctx.tool_call_id
    ]
    return not asked or asked[-1].args_as_dict() != tool_args
