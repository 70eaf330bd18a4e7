"""An agent of Agno, whose model is a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from agno.agent import Agent
from agno.db.in_memory import InMemoryDb
from agno.models.base import Model
from agno.models.response import ModelResponse
from agno.run.agent import RunOutput

from customerio_tool import CustomerIoTool
from customerio_tool.adapters.agno import toolkit
from tests.support.frameworks.hosts import RUN, Awaited, Calls, Turn


class Script(Model):
    """Makes the calls that it is given, and then says that it is done."""

    def __init__(self) -> None:
        super().__init__(id="script")
        self.calls: Calls = []
        self.schemas: dict[str, Any] = {}

    def invoke(self, *given: Any, tools: Any = None, **named: Any) -> ModelResponse:
        self.schemas = {each["function"]["name"]: each["function"]["parameters"] for each in tools}
        calls = [
            {
                "id": f"call-{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for number, (name, arguments) in enumerate(self.calls)
        ]
        self.calls = []
        return ModelResponse(role="assistant", content=None if calls else "done", tool_calls=calls)

    async def ainvoke(self, *given: Any, **named: Any) -> ModelResponse:
        return self.invoke(*given, **named)

    def invoke_stream(self, *given: Any, **named: Any) -> Any:
        raise NotImplementedError

    def ainvoke_stream(self, *given: Any, **named: Any) -> Any:
        raise NotImplementedError

    def _parse_provider_response(self, response: Any, **named: Any) -> ModelResponse:
        raise NotImplementedError

    def _parse_provider_response_delta(self, response: Any) -> ModelResponse:
        raise NotImplementedError


class Agno:
    """An agent with all tools, that runs in this thread."""

    def __init__(self, tool: CustomerIoTool, **options: Any) -> None:
        self.model = Script()
        memory = InMemoryDb()  # type: ignore[no-untyped-call]  # Agno's own
        self.agent = Agent(
            model=self.model, tools=[toolkit(tool, **options)], db=memory, telemetry=False
        )
        self.last: RunOutput | None = None
        self.run_id: str | None = None

    def schemas(self) -> dict[str, Any]:
        self.play([])
        return self.model.schemas

    def play(self, calls: Calls) -> Turn:
        self.model.calls = calls
        return self._turn(self._run())

    def decide(self, *, approved: bool) -> Turn:
        assert self.last is not None
        for each in self.last.active_requirements:
            answer: Callable[[], None] = each.confirm if approved else each.reject
            answer()
        return self._turn(self._continue(self.last))

    def _run(self) -> RunOutput:
        return self.agent.run("go", session_id=RUN, run_id=self.run_id)

    def _continue(self, last: RunOutput) -> RunOutput:
        return self.agent.continue_run(
            run_id=last.run_id, requirements=last.requirements, session_id=RUN
        )

    def _turn(self, last: RunOutput) -> Turn:
        self.last = last
        texts = [str(m.content) for m in last.messages or [] if m.role == "tool"]
        return Turn(
            results=[json.loads(each) for each in texts if each.startswith("{")],
            asked=[
                str(each.tool_execution.tool_name)
                for each in last.active_requirements
                if each.tool_execution
            ],
            told=[each for each in texts if not each.startswith("{")],
        )


class AwaitedAgno(Awaited, Agno):
    """An agent with all tools, that runs in an event loop."""

    def _run(self) -> RunOutput:
        return self.run(self.agent.arun("go", session_id=RUN))

    def _continue(self, last: RunOutput) -> RunOutput:
        return self.run(
            self.agent.acontinue_run(
                run_id=last.run_id, requirements=last.requirements, session_id=RUN
            )
        )
