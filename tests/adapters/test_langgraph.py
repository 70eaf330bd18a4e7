"""In a LangGraph, an answer reaches the call that it was given for, and no other one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command

from customerio_tool import CustomerIoTool
from customerio_tool.adapters.langchain import tools
from customerio_tool.sandbox import Sandbox
from tests.support.frameworks.langchain import says
from tests.support.targets import writes

Made = Callable[..., CustomerIoTool]
ERASE = ("delete_customer", {"customer_id": "u1"})
OTHER = ("delete_customer", {"customer_id": "u2"})
THREAD: Any = {"configurable": {"thread_id": "t"}}


def graph_of(tool: CustomerIoTool, *, keeps: bool = True) -> Any:
    """Return a graph with one node, which makes all calls of a message."""
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode(tools(tool)))
    graph.add_edge(START, "tools")
    return graph.compile(checkpointer=InMemorySaver() if keeps else None)


def question_of(turn: Mapping[str, Any]) -> dict[str, Any]:
    (asked,) = turn["__interrupt__"]
    value: dict[str, Any] = asked.value
    return value


def test_the_question_tells_what_will_happen(made: Made) -> None:
    turn = graph_of(made(confirm="human")).invoke({"messages": [says([ERASE])]}, THREAD)
    question = question_of(turn)
    assert question["subtool"] == "delete_customer"
    assert question["arguments"] == {"customer_id": "u1"}
    assert question["sentence"]
    assert question["confirmation_id"]


@pytest.mark.parametrize("awaited", [False, True])
def test_a_call_that_begins_again_keeps_its_question(
    made: Made, sandbox: Sandbox, awaited: bool
) -> None:
    tool = made(confirm="human")
    graph = graph_of(tool)
    question = question_of(graph.invoke({"messages": [says([ERASE])]}, THREAD))
    answered = (
        asyncio.run(graph.ainvoke(Command(resume=True), THREAD))
        if awaited
        else graph.invoke(Command(resume=True), THREAD)
    )
    assert answered["messages"][-1].artifact["ok"]
    assert len(writes(sandbox)) == 1
    again = tool.approve(question["confirmation_id"])
    assert again["error"]["code"] == "confirmation_unknown"


@pytest.mark.parametrize("answer", ["yes", 1, {"approved": True}, False])
def test_only_true_approves(made: Made, sandbox: Sandbox, answer: object) -> None:
    graph = graph_of(made(confirm="human"))
    graph.invoke({"messages": [says([ERASE])]}, THREAD)
    graph.invoke(Command(resume=answer), THREAD)
    assert writes(sandbox) == []


def test_of_calls_that_share_a_node_none_is_asked_and_none_runs(
    made: Made, sandbox: Sandbox
) -> None:
    turn = graph_of(made(confirm="human")).invoke({"messages": [says([ERASE, OTHER])]}, THREAD)
    assert "__interrupt__" not in turn
    codes = [each.artifact["error"]["code"] for each in turn["messages"][1:]]
    assert codes == ["confirmation_required"] * 2
    assert writes(sandbox) == []


def test_a_call_that_was_edited_meanwhile_does_not_run(made: Made, sandbox: Sandbox) -> None:
    graph = graph_of(made(confirm="human"))
    first = graph.invoke({"messages": [says([ERASE])]}, THREAD)
    edited = says([OTHER])
    edited.id = first["messages"][0].id
    graph.update_state(THREAD, {"messages": [edited]}, as_node=START)
    answered = graph.invoke(Command(resume=True), THREAD)
    assert answered["messages"][-1].artifact["error"]["code"] == "confirmation_required"
    assert writes(sandbox) == []


def test_without_a_thread_to_resume_nobody_is_asked(made: Made, sandbox: Sandbox) -> None:
    graph = graph_of(made(confirm="human"), keeps=False)
    turn = graph.invoke({"messages": [says([ERASE])]})
    assert turn["messages"][-1].artifact["error"]["code"] == "confirmation_required"
    assert writes(sandbox) == []


def test_a_tool_by_itself_asks_nobody(made: Made, sandbox: Sandbox) -> None:
    by_name = {each.name: each for each in tools(made(confirm="human"))}
    assert "confirmation_id" in by_name["delete_customer"].invoke({"customer_id": "u1"})
    assert '"ok":true' in by_name["track_event"].invoke('{"customer_id": "u1", "name": "paid"}')
    assert len(writes(sandbox)) == 1
