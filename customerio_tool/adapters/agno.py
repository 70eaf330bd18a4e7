"""The subtools as a toolkit of Agno; `requires_confirmation` asks as the policy does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from customerio_tool.adapters.gate import agated, asks_first, gated
from customerio_tool.adapters.shape import context_of, installed
from customerio_tool.calls.call import CallContext
from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from agno.run import RunContext
    from agno.tools import Toolkit


def toolkit(tool: CustomerIoTool, *, detail: Detail = DEFAULT_DETAIL) -> Toolkit:
    """Return a `Toolkit` of the subtools that may run; results are envelopes as JSON.

    Under a policy that asks a person, the run is paused before such a call. Confirmed by
    `requirement.confirm()`, it runs once; rejected, it never reaches this tool. The run of
    `CallContext` is Agno's session; cancelling Agno's run cancels the call.

    Args:
        tool: The tool.
        detail: How much of the definitions a model is shown; see `CustomerIoTool.definitions`.

    Raises:
        ImportError: The package agno is not installed.
    """
    with installed("agno"):
        from agno.tools import Function, Toolkit

    functions = [
        Function(
            name=definition["name"],
            description=definition["description"],
            parameters=definition["input_schema"],
            entrypoint=entrypoint(tool, definition["name"]),
            strict=False,
            skip_entrypoint_processing=True,
            requires_confirmation=asks_first(tool, definition["name"]),
        )
        for definition in tool.definitions(detail=detail)
        for entrypoint in (_blocking, _awaitable)
    ]
    return Toolkit(name="customerio", tools=list(functions))


def _blocking(tool: CustomerIoTool, name: str) -> Callable[..., Any]:
    # Agno gives an argument of this name; any other name may be one that the model made up.
    def call(*, _agno_run_context: RunContext | None = None, **given: Any) -> str:
        return compact(gated(tool, name, given, _context(_agno_run_context)))

    return call


def _awaitable(tool: CustomerIoTool, name: str) -> Callable[..., Any]:
    async def call(*, _agno_run_context: RunContext | None = None, **given: Any) -> str:
        return compact(await agated(tool, name, given, _context(_agno_run_context)))

    return call


def _context(run: RunContext | None) -> CallContext:
    from agno.run.cancel import is_cancelled

    if run is None:
        return context_of("agno", None)
    return context_of("agno", run.session_id, cancelled=partial(is_cancelled, run.run_id))
