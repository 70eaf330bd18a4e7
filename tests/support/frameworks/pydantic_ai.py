"""An agent of Pydantic AI, whose model is a script."""

from __future__ import annotations

import json
from typing import Any

from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from customerio_tool import CustomerIoTool
from customerio_tool.adapters.pydantic_ai import toolset
from tests.support.frameworks.hosts import RUN, Awaited, Calls, Turn


class PydanticAi(Awaited):
    """An agent with all tools."""

    def __init__(self, tool: CustomerIoTool, **options: Any) -> None:
        self.calls: Calls = []
        self.given: dict[str, Any] = {}
        self.agent: Agent[None, Any] = Agent(
            FunctionModel(self._answer),
            toolsets=[toolset(tool, **options)],
            output_type=[str, DeferredToolRequests],
        )
        self.messages: list[ModelMessage] = []
        self.requests = DeferredToolRequests()

    def _answer(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.given = {each.name: each.parameters_json_schema for each in info.function_tools}
        calls: list[ModelResponsePart] = [
            ToolCallPart(name, json.dumps(arguments), tool_call_id=f"call-{number}")
            for number, (name, arguments) in enumerate(self.calls)
        ]
        self.calls = []
        return ModelResponse(parts=calls or [TextPart("done")])

    def schemas(self) -> dict[str, Any]:
        self.play([])
        return self.given

    def play(self, calls: Calls) -> Turn:
        self.calls, self.messages = calls, []
        return self._turn("go")

    def decide(self, *, approved: bool) -> Turn:
        answers: dict[str, Any] = {each.tool_call_id: approved for each in self.requests.approvals}
        return self.answer(DeferredToolResults(approvals=answers))

    def answer(self, answers: DeferredToolResults) -> Turn:
        """Let a person answer in the framework's own words."""
        return self._turn(None, answers)

    def _turn(self, prompt: str | None, answers: DeferredToolResults | None = None) -> Turn:
        running = self.agent.run(
            prompt,
            message_history=self.messages,
            deferred_tool_results=answers,
            conversation_id=RUN,
        )
        last = self.run(running)
        self.messages = last.all_messages()
        asked = isinstance(last.output, DeferredToolRequests)
        self.requests = last.output if asked else DeferredToolRequests()
        returned: list[Any] = [
            part.content
            for message in last.new_messages()
            for part in message.parts
            if isinstance(part, ToolReturnPart)
        ]
        return Turn(
            results=[each for each in returned if isinstance(each, dict)],
            asked=[each.tool_name for each in self.requests.approvals],
            told=[each for each in returned if not isinstance(each, dict)],
        )
