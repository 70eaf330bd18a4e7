"""The demo proves what it says: it succeeds on a sound tool and fails on one that only talks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from customerio_tool import CustomerIoTool
from customerio_tool.doors.cli.demo import run
from customerio_tool.doors.cli.demo.player import Caller
from customerio_tool.doors.cli.demo.story import STORY
from customerio_tool.sandbox import Options, Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Effect

Result = dict[str, Any]


@dataclass
class Outcome:
    """What a demo showed, and whether it succeeded."""

    succeeded: bool
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def unproved(self) -> list[str]:
        """The subtools that the last sentence names as those that did not."""
        found = re.search(r"\d+ of \d+ subtools did not: ([\w, ]+)\.", " ".join(self.text.split()))
        return found[1].split(", ") if found else []


def play(
    tool: Callable[[CustomerIoTool], Caller] = lambda tool: tool,
    *,
    options: Options | None = None,
    width: int = 100,
) -> Outcome:
    console = Console(file=StringIO(), width=width, _environ={})
    with Sandbox(options=options) as sandbox, CustomerIoTool(sandbox.connection()) as own:
        succeeded = run(console, sandbox=sandbox, tool=tool(own))
    assert isinstance(console.file, StringIO)
    return Outcome(succeeded, console.file.getvalue())


@dataclass
class Recorder:
    """Passes every call on and keeps the JSON text and the result."""

    tool: Caller
    calls: list[tuple[str, str, Result]] = field(default_factory=list)

    def call(self, name: str, arguments: str, /) -> Result:
        result = self.tool.call(name, arguments)
        self.calls.append((name, arguments, result))
        return result


@dataclass
class Honest:
    """One demo on a sound tool, recorded."""

    outcome: Outcome
    calls: list[tuple[str, str, Result]]


@pytest.fixture(scope="module")
def honest() -> Honest:
    recorders: list[Recorder] = []

    def record(tool: CustomerIoTool) -> Recorder:
        recorders.append(Recorder(tool))
        return recorders[0]

    return Honest(play(record), recorders[0].calls)


@dataclass
class Altered:
    """A tool that answers the calls of one subtool in another way."""

    tool: Caller
    subtool: str
    answer: Callable[[Caller, str, str], Result]

    def call(self, name: str, arguments: str, /) -> Result:
        if name == self.subtool:
            return self.answer(self.tool, name, arguments)
        return self.tool.call(name, arguments)


def all_proved(outcome: Outcome) -> bool:
    return outcome.succeeded and "subtools did what they promise." in outcome.text


def test_a_sound_tool_passes(honest: Honest) -> None:
    assert all_proved(honest.outcome)


def test_every_subtool_is_called_at_least_once(honest: Honest) -> None:
    uncalled = set(subtools()) - {name for name, _, _ in honest.calls}
    assert not uncalled, (
        "give each a step in doors/cli/demo/story.py and what proves it in checks.py"
    )
    assert f"All {len(subtools())} subtools did what they promise." in honest.outcome.text


def test_the_table_has_one_row_for_each_subtool(honest: Honest) -> None:
    table = honest.outcome.text.partition("read back from the server")[2]
    first_words = [line.split()[0] for line in table.splitlines() if re.match(r"\w+ ", line)]
    assert first_words[: len(subtools())] == list(subtools())


def test_calls_are_json_text_with_numbers_as_text_and_nulls(honest: Honest) -> None:
    sent = [json.loads(arguments) for _, arguments, _ in honest.calls]
    values = [value for arguments in sent for value in arguments.values()]
    assert any(isinstance(value, str) and value.isdigit() for value in values)
    assert None in values


def test_a_step_with_a_repair_is_wrong_at_first_and_right_then(honest: Honest) -> None:
    expected = [ok for act in STORY for step in act.steps for ok in _oks(step.repair is not None)]
    assert [result["ok"] for _, _, result in honest.calls] == expected


def _oks(is_wrong_first: bool) -> list[bool]:
    return [False, True] if is_wrong_first else [True]


def test_the_ways_to_be_wrong_are_those_that_models_have(honest: Honest) -> None:
    errors = [result["error"] for _, _, result in honest.calls if not result["ok"]]
    assert {error["code"] for error in errors} == {
        "arguments_invalid",
        "not_found",
        "request_rejected",
    }
    paths = {problem["path"] for error in errors for problem in error.get("fields", ())}
    assert paths >= {"custmer_id", "customer_id", "force", "platform", "audience", "steps"}


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_the_page(width: int) -> None:
    assert max(map(len, play(width=width).lines)) <= width


def test_the_transcript_is_short_enough_to_read(honest: Honest) -> None:
    assert len(honest.outcome.lines) < 200


def test_text_without_a_terminal_holds_no_control_characters(honest: Honest) -> None:
    assert "\x1b" not in honest.outcome.text


def test_the_transcript_shows_no_key() -> None:
    keys = Options(site_id="site-canary", track_api_key="track-canary", app_api_key="app-canary")
    outcome = play(options=keys)
    assert all_proved(outcome)
    assert "canary" not in outcome.text


def test_a_ledger_that_remembers_the_last_demo_does_not_fail_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMERIO_LEDGER_FILE", str(tmp_path / "ledger"))
    assert [run(Console(file=StringIO(), _environ={})) for _ in range(2)] == [True, True]


def test_an_encoding_without_its_signs_is_served_in_ascii() -> None:
    file = TextIOWrapper(BytesIO(), encoding="ascii", write_through=True)
    assert run(Console(file=file, width=100, _environ={}))


def lie_again(honest: Honest, name: str) -> Callable[[Caller, str, str], Result]:
    """Answer as in the honest run, and send nothing."""
    results = iter([result for each, _, result in honest.calls if each == name])
    return lambda _tool, _name, _arguments: next(results)


def distort(tool: Caller, name: str, arguments: str) -> Result:
    """Answer a read with other names and numbers than the server's."""
    result = tool.call(name, arguments)
    return {
        member: value if member in ("ok", "outcome", "summary", "error") else _distorted(value)
        for member, value in result.items()
    }


def _distorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _distorted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_distorted(each) for each in value]
    if isinstance(value, str):
        return value + "~"
    return value + 1 if type(value) is int else value


def names(effects: Callable[[Effect], bool]) -> list[str]:
    """The subtools of such effects that the demo calls."""
    called = {step.subtool for act in STORY for step in act.steps}
    return [name for name, each in subtools().items() if effects(each.effect) and name in called]


@pytest.mark.parametrize("name", names(lambda effect: not effect.read_only))
def test_a_subtool_that_only_says_it_worked_is_caught(honest: Honest, name: str) -> None:
    outcome = play(lambda tool: Altered(tool, name, lie_again(honest, name)))
    assert not outcome.succeeded
    assert name in outcome.unproved


@pytest.mark.parametrize("name", names(lambda effect: effect.read_only))
def test_a_read_that_tells_something_else_is_caught(name: str) -> None:
    outcome = play(lambda tool: Altered(tool, name, distort))
    assert not outcome.succeeded
    assert outcome.unproved == [name]


def test_a_failure_says_what_was_expected_and_what_was_found() -> None:
    outcome = play(options=Options(merge_anonymous_events=False))
    assert not outcome.succeeded
    assert "her events: expected ['product_viewed'], found []" in outcome.text
    assert outcome.unproved == ["identify_customer"]


def test_a_repeat_under_a_new_event_id_is_caught() -> None:
    def forget_id(tool: Caller, name: str, arguments: str) -> Result:
        return tool.call(name, json.dumps({**json.loads(arguments), "event_id": None}))

    outcome = play(lambda tool: Altered(tool, "track_event", forget_id))
    assert not outcome.succeeded
    assert outcome.unproved == ["track_event"]


def test_a_device_that_gets_another_platform_is_caught() -> None:
    def to_ios(tool: Caller, name: str, arguments: str) -> Result:
        return tool.call(name, arguments.replace('"android"', '"ios"'))

    outcome = play(lambda tool: Altered(tool, "add_device", to_ios))
    assert outcome.unproved == ["add_device"]


def test_a_broadcast_to_everybody_is_caught() -> None:
    def to_all(tool: Caller, name: str, arguments: str) -> Result:
        given = json.loads(arguments)
        given = given if "audience" not in given else {"broadcast_id": 30, "audience": "default"}
        return tool.call(name, given)  # type: ignore[arg-type]  # the tool takes a dict as well

    outcome = play(lambda tool: Altered(tool, "trigger_broadcast", to_all))
    assert outcome.unproved == ["trigger_broadcast"]


@pytest.mark.parametrize(
    "name", sorted({step.subtool for act in STORY for step in act.steps if step.repair})
)
def test_an_error_that_does_not_teach_the_repair_is_caught(name: str) -> None:
    def mute(tool: Caller, name: str, arguments: str) -> Result:
        result = tool.call(name, arguments)
        if result["ok"]:
            return result
        error = {key: value for key, value in result["error"].items() if key != "fields"}
        return {"ok": False, "summary": "It did not work.", "error": error}

    outcome = play(lambda tool: Altered(tool, name, mute))
    assert not outcome.succeeded
    assert "the error does not teach the repair" in outcome.text
    assert name in outcome.unproved


def test_a_wrong_call_that_is_sent_all_the_same_is_caught() -> None:
    def send_anyway(tool: Caller, name: str, arguments: str) -> Result:
        result = tool.call(name, arguments)
        if not result["ok"]:
            tool.call("list_segments", "{}")
        return result

    outcome = play(lambda tool: Altered(tool, "list_campaigns", send_anyway))
    assert outcome.unproved == ["list_campaigns"]


def test_a_refused_call_that_changed_something_is_caught() -> None:
    def mail_anyway(tool: Caller, name: str, arguments: str) -> Result:
        result = tool.call(name, arguments)
        if not result["ok"]:
            tool.call(name, arguments.replace("recipt", "receipt"))
        return result

    outcome = play(lambda tool: Altered(tool, "send_transactional_email", mail_anyway))
    assert not outcome.succeeded
    assert "what the wrong call changed: expected [], found ['deliveries']" in outcome.text
    assert "send_transactional_email" in outcome.unproved


def test_a_mail_that_is_delivered_meanwhile_is_no_change() -> None:
    with Sandbox() as sandbox, CustomerIoTool(sandbox.connection()) as own:

        def late(tool: Caller, name: str, arguments: str) -> Result:
            sandbox.clock.advance(60)
            return tool.call(name, arguments)

        tool = Altered(own, "get_campaign_metrics", late)
        assert run(Console(file=StringIO(), _environ={}), sandbox=sandbox, tool=tool)


def test_a_subtool_that_no_step_calls_is_told_and_is_not_proved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("customerio_tool.doors.cli.demo.STORY", STORY[:-1])
    outcome = play()
    last = subtools().keys() - {step.subtool for act in STORY[:-1] for step in act.steps}
    total = len(subtools())
    assert not outcome.succeeded
    assert f"{total - len(last)} of {total} subtools did what they promise." in outcome.text
    told = re.search(r"No step calls ([\w, ]+)\.$", " ".join(outcome.text.split()))
    assert told is not None
    assert set(told[1].split(", ")) == last
    assert outcome.text.count("not called") == len(last)


def test_colour_is_for_terminals_that_want_it() -> None:
    def shown(**environment: str) -> str:
        file = StringIO()
        assert run(
            Console(file=file, force_terminal=True, _environ={"TERM": "xterm", **environment})
        )
        return file.getvalue()

    assert re.search(r"\x1b\[[\d;]*3\dm", shown())
    assert not re.search(r"\x1b\[[\d;]*3\dm", shown(NO_COLOR="1"))
