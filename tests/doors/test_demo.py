"""The demo proves what it says: it succeeds on a sound tool and fails on one that only talks.

The story is played whole where all of it matters, and once for the rest: a test of one subtool
goes back to the workspace as it was before its steps, and plays them alone with another answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from customerio_tool import Backends, CustomerIoTool
from customerio_tool.doors.cli.demo import play as play_rows
from customerio_tool.doors.cli.demo import run
from customerio_tool.doors.cli.demo.player import Caller
from customerio_tool.doors.cli.demo.repairs import Arguments, Envelope
from customerio_tool.doors.cli.demo.story import STORY, Act, Step
from customerio_tool.sandbox import Options, Sandbox
from customerio_tool.subtools import PAGE, lookups, subtools
from customerio_tool.subtools.declare import Effect
from tests.support.clients import AnyPace

Result = dict[str, Any]
Answer = Callable[[Caller, str, str], Result]

STEPS = [step for act in STORY for step in act.steps]


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


def played(sandbox: Sandbox, tool: Caller, width: int = 100, **terminal: Any) -> Outcome:
    file = StringIO()
    terminal.setdefault("_environ", {})
    succeeded = run(Console(file=file, width=width, **terminal), sandbox=sandbox, tool=tool)
    return Outcome(succeeded, file.getvalue())


def play(*, options: Options | None = None, width: int = 100) -> Outcome:
    """Play the whole story on a sound tool."""
    with Sandbox(options=options) as sandbox, tool_on(sandbox) as own:
        return played(sandbox, own, width)


def tool_on(sandbox: Sandbox) -> CustomerIoTool:
    return CustomerIoTool(sandbox.connection(), backends=Backends(limiter=AnyPace()))


@dataclass
class Recorder:
    """Passes every call on, keeps its text and its result, and the workspace as it was before."""

    tool: Caller
    sandbox: Sandbox
    calls: list[tuple[str, str, Result]] = field(default_factory=list)

    def call(self, name: str, arguments: str, /) -> Result:
        self.sandbox.snapshot(f"call {len(self.calls)}")
        result = self.tool.call(name, arguments)
        self.calls.append((name, arguments, result))
        return result


@dataclass
class Altered:
    """A tool that answers the calls of one subtool in another way."""

    tool: Caller
    subtool: str
    answer: Answer

    def call(self, name: str, arguments: str, /) -> Result:
        if name == self.subtool:
            return self.answer(self.tool, name, arguments)
        return self.tool.call(name, arguments)


def as_it_is(tool: Caller, name: str, arguments: str) -> Result:
    return tool.call(name, arguments)


@dataclass
class Honest:
    """One demo on a sound tool, recorded, and the steps of any subtool again on their own."""

    sandbox: Sandbox
    outcome: Outcome
    calls: list[tuple[str, str, Result]]

    def results(self, subtool: str) -> list[Result]:
        return [result for name, _, result in self.calls if name == subtool]

    def again(self, subtool: str, answer: Answer = as_it_is, **terminal: Any) -> Outcome:
        """Play from the first step of a subtool to its last, as they stood in the story."""
        own = [number for number, step in enumerate(STEPS) if step.subtool == subtool]
        steps = tuple(self._filled_in(step) for step in STEPS[own[0] : own[-1] + 1])
        self.sandbox.restore(f"call {[name for name, _, _ in self.calls].index(subtool)}")
        with pytest.MonkeyPatch.context() as patch, tool_on(self.sandbox) as tool:
            patch.setattr("customerio_tool.doors.cli.demo.STORY", (Act("Again", steps),))
            return played(self.sandbox, Altered(tool, subtool, answer), **terminal)

    def _filled_in(self, step: Step) -> Step:
        """The step with the id of the segment that the story made before it."""
        (made,) = self.results("create_manual_segment")

        def filled(text: str) -> str:
            return text.replace("$segment", str(made["segment_id"]))

        def mended(result: Envelope, arguments: Arguments) -> Arguments:
            assert step.repair is not None
            repaired: Arguments = json.loads(filled(json.dumps(step.repair(result, arguments))))
            return repaired

        repair = None if step.repair is None else mended
        return replace(step, arguments=filled(step.arguments), repair=repair)


@pytest.fixture(scope="module")
def honest() -> Iterator[Honest]:
    with Sandbox() as sandbox, tool_on(sandbox) as own:
        recorder = Recorder(own, sandbox)
        yield Honest(sandbox, played(sandbox, recorder), recorder.calls)


def all_proved(outcome: Outcome) -> bool:
    return outcome.succeeded and "subtools did what they promise." in outcome.text


def test_a_sound_tool_passes(honest: Honest) -> None:
    assert all_proved(honest.outcome)


def test_every_subtool_of_the_page_is_called_and_no_other(honest: Honest) -> None:
    assert {name for name, _, _ in honest.calls} == set(PAGE)
    assert f"All {len(PAGE)} subtools did what they promise." in honest.outcome.text


def test_the_act_of_the_look_ups_begins_with_an_address_and_ends_with_the_mail() -> None:
    text = StringIO()
    console = Console(file=text, width=100, _environ={})
    rows = play_rows(console, lookups=True)
    assert [row.subtool for row in rows[: len(PAGE)]] == list(PAGE)
    beside = [row.subtool for row in rows[len(PAGE) :]]
    assert set(beside) <= set(lookups())
    assert len(beside) == 5
    assert all(row.is_proved for row in rows), text.getvalue()


def test_the_table_has_one_row_for_each_subtool_of_the_page(honest: Honest) -> None:
    table = honest.outcome.text.partition("read back from the server")[2]
    first_words = [line.split()[0] for line in table.splitlines() if re.match(r"\w+ ", line)]
    assert [word for word in first_words if word in subtools()] == list(PAGE)


def test_calls_are_json_text_with_numbers_as_text_and_nulls(honest: Honest) -> None:
    sent = [json.loads(arguments) for _, arguments, _ in honest.calls]
    values = [value for arguments in sent for value in arguments.values()]
    assert any(isinstance(value, str) and value.isdigit() for value in values)
    assert None in values


def test_a_step_with_a_repair_is_wrong_at_first_and_right_then(honest: Honest) -> None:
    expected = [ok for step in STEPS for ok in _oks(step)]
    assert [result["ok"] for _, _, result in honest.calls] == expected


def _oks(step: Step) -> list[bool]:
    return [True] if step.repair is None else [False, True]


def test_the_ways_to_be_wrong_are_those_that_models_have(honest: Honest) -> None:
    errors = [result["error"] for _, _, result in honest.calls if not result["ok"]]
    assert {error["code"] for error in errors} == {
        "arguments_invalid",
        "not_found",
        "request_rejected",
    }
    paths = {problem["path"] for error in errors for problem in error.get("fields", ())}
    assert paths >= {"custmer_id", "customer_id", "force", "platform", "audience", "steps"}


def test_no_line_is_wider_than_the_page(honest: Honest) -> None:
    assert max(map(len, honest.outcome.lines)) <= 100
    assert max(map(len, play(width=80).lines)) <= 80


def test_a_narrow_terminal_cuts_nothing_of_the_table(honest: Honest) -> None:
    narrow = honest.again("send_transactional_email", width=40)
    row = narrow.text.partition("\nsubtool ")[2].partition("send_transactional_email")[2]
    told = " ".join(row.split())
    assert told.startswith("✘✔ ✔ accepted: one mail, to her address"), narrow.text
    assert "…" not in row
    assert max(map(len, narrow.lines)) <= 40


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
    with Sandbox() as sandbox, tool_on(sandbox) as own:
        assert run(Console(file=file, width=100, _environ={}), sandbox=sandbox, tool=own)


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
    called = {step.subtool for step in STEPS}
    return [name for name, each in subtools().items() if effects(each.effect) and name in called]


@pytest.mark.parametrize("name", names(lambda _: True))
def test_the_steps_of_a_subtool_alone_are_proved_on_a_sound_tool(honest: Honest, name: str) -> None:
    outcome = honest.again(name)
    assert outcome.unproved == []
    assert "subtools did what they promise." in outcome.text


@pytest.mark.parametrize("name", names(lambda effect: not effect.read_only))
def test_a_subtool_that_only_says_it_worked_is_caught(honest: Honest, name: str) -> None:
    results = iter(honest.results(name))
    assert honest.again(name, lambda _tool, _name, _arguments: next(results)).unproved == [name]


@pytest.mark.parametrize("name", names(lambda effect: effect.read_only))
def test_a_read_that_tells_something_else_is_caught(honest: Honest, name: str) -> None:
    assert honest.again(name, distort).unproved == [name]


def test_a_failure_says_what_was_expected_and_what_was_found() -> None:
    outcome = play(options=Options(merge_anonymous_events=False))
    assert not outcome.succeeded
    assert "her events: expected ['product_viewed'], found []" in outcome.text
    assert outcome.unproved == ["identify_customer"]


def test_a_repeat_under_a_new_event_id_is_caught(honest: Honest) -> None:
    def forget_id(tool: Caller, name: str, arguments: str) -> Result:
        return tool.call(name, json.dumps({**json.loads(arguments), "event_id": None}))

    assert honest.again("track_event", forget_id).unproved == ["track_event"]


def test_a_device_that_gets_another_platform_is_caught(honest: Honest) -> None:
    def to_ios(tool: Caller, name: str, arguments: str) -> Result:
        return tool.call(name, arguments.replace('"android"', '"ios"'))

    assert honest.again("add_device", to_ios).unproved == ["add_device"]


def test_a_broadcast_to_everybody_is_caught(honest: Honest) -> None:
    def to_all(tool: Caller, name: str, arguments: str) -> Result:
        given = json.loads(arguments)
        given = given if "audience" not in given else {"broadcast_id": 30, "audience": "default"}
        return tool.call(name, given)  # type: ignore[arg-type]  # the tool takes a dict as well

    assert honest.again("trigger_broadcast", to_all).unproved == ["trigger_broadcast"]


@pytest.mark.parametrize("name", sorted({step.subtool for step in STEPS if step.repair}))
def test_an_error_that_does_not_teach_the_repair_is_caught(honest: Honest, name: str) -> None:
    def mute(tool: Caller, name: str, arguments: str) -> Result:
        result = tool.call(name, arguments)
        if result["ok"]:
            return result
        error = {key: value for key, value in result["error"].items() if key != "fields"}
        return {"ok": False, "summary": "It did not work.", "error": error}

    outcome = honest.again(name, mute)
    assert "the error does not teach the repair" in outcome.text
    assert outcome.unproved == [name]


def test_a_wrong_call_that_is_sent_all_the_same_is_caught(honest: Honest) -> None:
    def send_anyway(tool: Caller, name: str, arguments: str) -> Result:
        result = tool.call(name, arguments)
        if not result["ok"]:
            tool.call("list_segments", "{}")
        return result

    assert honest.again("list_campaigns", send_anyway).unproved == ["list_campaigns"]


def test_a_refused_call_that_changed_something_is_caught(honest: Honest) -> None:
    def mail_anyway(tool: Caller, name: str, arguments: str) -> Result:
        result = tool.call(name, arguments)
        if not result["ok"]:
            tool.call(name, arguments.replace("recipt", "receipt"))
        return result

    outcome = honest.again("send_transactional_email", mail_anyway)
    assert "what the wrong call changed: expected [], found ['deliveries']" in outcome.text
    assert outcome.unproved == ["send_transactional_email"]


def test_a_mail_that_is_delivered_meanwhile_is_no_change() -> None:
    with Sandbox() as sandbox, tool_on(sandbox) as own:

        def late(tool: Caller, name: str, arguments: str) -> Result:
            sandbox.clock.advance(60)
            return tool.call(name, arguments)

        assert played(sandbox, Altered(own, "get_campaign_metrics", late)).succeeded


def test_a_subtool_that_no_step_calls_is_told_and_is_not_proved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("customerio_tool.doors.cli.demo.STORY", STORY[:-1])
    outcome = play()
    last = set(PAGE) - {step.subtool for act in STORY[:-1] for step in act.steps}
    total = len(PAGE)
    assert not outcome.succeeded
    assert f"{total - len(last)} of {total} subtools did what they promise." in outcome.text
    told = re.search(r"No step calls ([\w, ]+)\.$", " ".join(outcome.text.split()))
    assert told is not None
    assert set(told[1].split(", ")) == last
    assert outcome.text.count("not called") == len(last)


def test_colour_is_for_terminals_that_want_it(honest: Honest) -> None:
    def shown(**environment: str) -> str:
        terminal = {"TERM": "xterm", **environment}
        return honest.again("track_event", force_terminal=True, _environ=terminal).text

    assert re.search(r"\x1b\[[\d;]*3\dm", shown())
    assert not re.search(r"\x1b\[[\d;]*3\dm", shown(NO_COLOR="1"))
