"""What a framework keeps of a run is enough to go on elsewhere, and edits are asked about anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agents import Runner, RunState
from agno.run.cancel import cancel_run
from pydantic_ai import DeferredToolResults, ToolApproved, ToolDenied

from customerio_tool import Backends, CustomerIoTool
from customerio_tool.backends.telemetry.events import CallStart
from customerio_tool.sandbox import Sandbox
from tests.support.frameworks.agno import Agno
from tests.support.frameworks.openai_agents import CONFIG, OpenAiAgents
from tests.support.frameworks.pydantic_ai import PydanticAi
from tests.support.targets import writes
from tests.support.telemetry import Recorder

Made = Callable[..., CustomerIoTool]
ERASE = ("delete_customer", {"customer_id": "u1"})


def test_a_run_of_openai_agents_goes_on_from_its_saved_state(made: Made, sandbox: Sandbox) -> None:
    first = OpenAiAgents(made(confirm="human"))
    assert first.play([ERASE]).asked == ["delete_customer"]
    assert first.last is not None
    saved = first.last.to_state().to_string()
    second = OpenAiAgents(made(confirm="human"))

    async def go_on() -> None:
        state = await RunState.from_string(second.agent, saved)
        for item in state.get_interruptions():
            state.approve(item)
        await Runner.run(second.agent, state, run_config=CONFIG)

    asyncio.run(go_on())
    assert len(writes(sandbox)) == 1


def test_what_a_person_edits_in_pydantic_ai_is_a_new_question(made: Made, sandbox: Sandbox) -> None:
    agent = PydanticAi(made(confirm="human"))
    agent.play([ERASE])
    edited = ToolApproved(override_args={"customer_id": "u2"})
    asked = agent.answer(DeferredToolResults(approvals={"call-0": edited}))
    assert asked.asked == ["delete_customer"]
    assert writes(sandbox) == []


def test_no_edit_in_pydantic_ai_runs_another_call_that_waits_or_was_denied(
    made: Made, sandbox: Sandbox
) -> None:
    agent = PydanticAi(made(confirm="human"))
    agent.play([ERASE, ("delete_customer", {"customer_id": "u2"})])
    edited = ToolApproved(override_args={"customer_id": "u2"})
    denied = ToolDenied("not u2")
    asked = agent.answer(DeferredToolResults(approvals={"call-0": edited, "call-1": denied}))
    assert asked.asked == ["delete_customer"]
    assert writes(sandbox) == []


def test_the_question_of_pydantic_ai_tells_what_will_happen(made: Made) -> None:
    agent = PydanticAi(made(confirm="human"))
    agent.play([ERASE])
    question = agent.requests.metadata["call-0"]
    assert question["arguments"] == {"customer_id": "u1"}
    assert question["sentence"]


class Impatient(Recorder):
    """Cancels Agno's run as soon as a call has begun."""

    def started(self, call: CallStart) -> None:
        super().started(call)
        cancel_run("run-7")


def test_cancelling_a_run_of_agno_cancels_its_call(sandbox: Sandbox) -> None:
    recorder = Impatient()
    with CustomerIoTool(sandbox.connection(), backends=Backends(telemetry=[recorder])) as tool:
        agent = Agno(tool)
        agent.run_id = "run-7"
        agent.play([("list_segments", {})])
    assert [each.outcome for each in recorder.ends] == ["cancelled"]
    assert sandbox.requests() == []
