"""An agent of the OpenAI Agents SDK, whose model is a script."""

from __future__ import annotations

import json
from typing import Any

from agents import Agent, Model, ModelResponse, RunConfig, Runner, RunResult, Usage
from agents.items import ToolCallOutputItem
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

from customerio_tool import CustomerIoTool
from customerio_tool.adapters.openai_agents import tools
from tests.support.frameworks.hosts import RUN, Awaited, Calls, Turn

CONFIG = RunConfig(tracing_disabled=True, group_id=RUN)


class Script(Model):
    """Makes the calls that it is given, and then says that it is done."""

    def __init__(self) -> None:
        self.calls: Calls = []
        self.schemas: dict[str, Any] = {}

    async def get_response(self, *given: Any, **named: Any) -> ModelResponse:
        self.schemas = {tool.name: tool.params_json_schema for tool in named["tools"]}
        output: list[Any] = [
            ResponseFunctionToolCall(
                arguments=json.dumps(arguments),
                call_id=f"call-{number}",
                name=name,
                type="function_call",
            )
            for number, (name, arguments) in enumerate(self.calls)
        ]
        self.calls = []
        return ModelResponse(output=output or [_done()], usage=Usage(), response_id=None)

    def stream_response(self, *given: Any, **named: Any) -> Any:
        raise NotImplementedError


def _done() -> ResponseOutputMessage:
    text = ResponseOutputText(annotations=[], text="done", type="output_text")
    return ResponseOutputMessage(
        id="m", content=[text], role="assistant", status="completed", type="message"
    )


class OpenAiAgents(Awaited):
    """An agent with all tools."""

    def __init__(self, tool: CustomerIoTool, **options: Any) -> None:
        self.model = Script()
        self.agent = Agent(name="support", model=self.model, tools=list(tools(tool, **options)))
        self.last: RunResult | None = None

    def schemas(self) -> dict[str, Any]:
        self.play([])
        return self.model.schemas

    def play(self, calls: Calls) -> Turn:
        self.model.calls = calls
        return self._turn("go")

    def decide(self, *, approved: bool) -> Turn:
        assert self.last is not None
        state = self.last.to_state()
        for item in self.last.interruptions:
            (state.approve if approved else state.reject)(item)
        return self._turn(state)

    def _turn(self, given: Any) -> Turn:
        self.last = self.run(Runner.run(self.agent, given, run_config=CONFIG))
        outputs = [i.output for i in self.last.new_items if isinstance(i, ToolCallOutputItem)]
        return Turn(
            results=[json.loads(each) for each in outputs if each.startswith("{")],
            asked=[str(item.name) for item in self.last.interruptions],
            told=[each for each in outputs if not each.startswith("{")],
        )
