"""A LangGraph whose model is a script, and which gives each call a node of its own."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, Send

from customerio_tool import CustomerIoTool
from customerio_tool.adapters.langchain import tools
from tests.support.frameworks.hosts import RUN, Awaited, Calls, Turn


def says(calls: Calls) -> AIMessage:
    """Return what a model says that makes calls."""
    return AIMessage(
        "",
        tool_calls=[
            {"id": f"call-{number}", "name": name, "args": dict(arguments)}
            for number, (name, arguments) in enumerate(calls)
        ],
    )


class LangGraph:
    """A graph with all tools, that runs in threads."""

    def __init__(self, tool: CustomerIoTool, **options: Any) -> None:
        self.tools = tools(tool, **options)
        self.graph: Any = None
        self.thread: Any = {"configurable": {"thread_id": RUN}}
        self.saver = InMemorySaver()

    def schemas(self) -> dict[str, Any]:
        told = [convert_to_openai_tool(each)["function"] for each in self.tools]
        return {each["name"]: each["parameters"] for each in told}

    def play(self, calls: Calls) -> Turn:
        model = FakeMessagesListChatModel(responses=[says(calls)])
        graph = StateGraph(MessagesState)
        graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
        graph.add_node("tools", ToolNode(self.tools))
        graph.add_edge(START, "model")
        graph.add_conditional_edges("model", self._route, ["tools"])
        self.graph = graph.compile(checkpointer=self.saver)
        return self._turn({"messages": [("user", "go")]})

    def decide(self, *, approved: bool) -> Turn:
        pending = self.graph.get_state(self.thread).interrupts
        return self._turn(Command(resume={each.id: approved for each in pending}))

    def _route(self, state: MessagesState) -> list[Send]:
        calls: Any = state["messages"][-1]
        return [Send("tools", [{**call, "type": "tool_call"}]) for call in calls.tool_calls]

    def _turn(self, given: Any) -> Turn:
        last = self._invoke(given)
        texts: list[ToolMessage] = []
        for message in reversed(last["messages"]):
            if not isinstance(message, ToolMessage):
                break
            texts.insert(0, message)
        assert all(json.loads(each.text) == each.artifact for each in texts)
        asked = [each.value for each in last.get("__interrupt__", ())]
        return Turn(
            results=[each.artifact for each in texts], asked=[each["subtool"] for each in asked]
        )

    def _invoke(self, given: Any) -> Any:
        return self.graph.invoke(given, self.thread)


class AwaitedLangGraph(Awaited, LangGraph):
    """A graph with all tools, that runs in an event loop."""

    def _invoke(self, given: Any) -> Any:
        return self.run(self.graph.ainvoke(given, self.thread))
