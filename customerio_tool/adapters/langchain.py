"""The subtools as tools of LangChain, which LangGraph interrupts for a person's approval."""

# No postponed annotations: LangChain reads those of `run` and `arun`.

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from customerio_tool.adapters.asking import aasked, asked, question
from customerio_tool.adapters.shape import Envelope, context_of, installed
from customerio_tool.calls.call import CallContext
from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langchain_core.tools import StructuredTool


def tools(tool: CustomerIoTool, *, detail: Detail = DEFAULT_DETAIL) -> "list[StructuredTool]":
    """Return a `StructuredTool` for each subtool that may run; the artifact is the envelope.

    In a LangGraph with a checkpointer, a call that a person must approve interrupts the graph with
    the question to the person. `Command(resume=True)` runs the call that waited, once; any other
    value declines it. Neither runs a call that was edited meanwhile. A call that shares its node
    with others asks nobody and does not run: LangGraph could not tell whose answer it got. Give
    each call a node of its own by `Send`, as LangChain's `create_agent` does. The run of
    `CallContext` is the graph's `thread_id`.

    Args:
        tool: The tool.
        detail: How much of the definitions a model is shown; see `CustomerIoTool.definitions`.

    Raises:
        ImportError: The packages langchain-core and langgraph are not installed.
    """
    with installed("langchain-core", "langgraph"):
        from langchain_core.runnables import RunnableConfig
        from langgraph.prebuilt import ToolRuntime

    made_of = _class_of_tools()

    def made(definition: Mapping[str, Any]) -> "StructuredTool":
        name = definition["name"]

        def run(given: Any, runtime: ToolRuntime, config: RunnableConfig) -> tuple[str, Envelope]:
            context = _context(config)
            envelope, waiting, is_new = asked(tool, name, given, context)
            if waiting and _may_ask(runtime, config):
                answer = _answer(question(tool, waiting), config)
                if not is_new:
                    decide = tool.approve if answer is True else tool.decline
                    envelope = decide(waiting, context=context)
            return compact(envelope), envelope

        async def arun(
            given: Any, runtime: ToolRuntime, config: RunnableConfig
        ) -> tuple[str, Envelope]:
            context = _context(config)
            envelope, waiting, is_new = await aasked(tool, name, given, context)
            if waiting and _may_ask(runtime, config):
                told = await asyncio.to_thread(question, tool, waiting)
                answer = _answer(told, config)
                if not is_new:
                    adecide = tool.aapprove if answer is True else tool.adecline
                    envelope = await adecide(waiting, context=context)
            return compact(envelope), envelope

        return made_of(
            name=name,
            description=definition["description"],
            args_schema=definition["input_schema"],
            response_format="content_and_artifact",
            func=run,
            coroutine=arun,
        )

    return [made(definition) for definition in tool.definitions(detail=detail)]


def _class_of_tools() -> "type[StructuredTool]":
    from langchain_core.tools import StructuredTool
    from langgraph.prebuilt import ToolRuntime

    class Subtool(StructuredTool):
        # As one value: no name that a model makes up is a parameter of ours or of LangChain's.
        def _to_args_and_kwargs(self, tool_input: Any, *_: Any) -> Any:
            given = dict(tool_input) if isinstance(tool_input, Mapping) else tool_input
            injected = isinstance(given, dict) and isinstance(given.get("runtime"), ToolRuntime)
            return (given, given.pop("runtime") if injected else None), {}

    return Subtool


def _context(config: "RunnableConfig") -> CallContext:
    return context_of("langchain", config.get("configurable", {}).get("thread_id"))


def _may_ask(runtime: Any, config: "RunnableConfig") -> bool:
    """Whether an answer can reach the call: all calls of a node share its answers."""
    if runtime is None or config.get("configurable", {}).get("thread_id") is None:
        return False
    if config.get("metadata", {}).get("langgraph_path", ())[:1] == ("__pregel_push",):
        return True
    state = runtime.state
    messages = state.get("messages") if isinstance(state, Mapping) else state
    return isinstance(messages, list) and len(getattr(messages[-1], "tool_calls", ())) == 1


def _answer(question: Mapping[str, Any], config: "RunnableConfig") -> object:
    from langchain_core.runnables.config import set_config_context
    from langgraph.types import interrupt

    with set_config_context(config) as context:
        return context.run(interrupt, question)
