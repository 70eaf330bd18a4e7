"""Every subtool under every fault: how the call ends, how often it is tried, what was applied."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import requests

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.sandbox import Clock, Sandbox
from customerio_tool.subtools import all_subtools, subtools
from customerio_tool.subtools.declare import Effect
from tests.support.clients import code_of, ids_of
from tests.support.fault_matrix import (
    AGAIN,
    FAULTS,
    LOOK,
    LOOKUPS,
    NOTHING,
    SAMPLES,
    SUPPRESSED,
    USER,
    Fault,
    Kind,
)
from tests.support.fault_matrix_page import PAGE, page
from tests.support.loopback import nobody_listening
from tests.support.retries import NOW, SkippingClock, Tries, tool_on
from tests.support.sessions import impatient_session, late_session
from tests.support.timeouts import PATIENCE

ALL = {**SAMPLES, **LOOKUPS}
EVENTS = [name for name, each in subtools().items() if each.effect is Effect.RECORD]
IN_DOUBT = [
    each
    for each in FAULTS
    if (end := each.ends[Kind.REPEATABLE]).took_effect == "unknown"
    and end.after(Kind.REPEATABLE).leads_to == AGAIN
]
TIMES = ("timestamps", "last_used")
QUIET = "activity"  # what the sandbox notes of calls that changed nothing


class Bench:
    """A sandbox on which each call finds the same workspace."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._after_a_clean_call: dict[str, dict[str, Any]] = {}
        with CustomerIoTool(sandbox.connection()) as tool:
            tool.run("suppress_customer", {"customer_id": SUPPRESSED})
        sandbox.snapshot("before")
        self.before = sandbox.state()
        self._logged = len(sandbox.requests())

    def call(
        self, name: str, fault: Fault | None, run_id: str | None = None
    ) -> tuple[dict[str, Any], int]:
        """Return the result of a subtool's sample, and how often its request was tried."""
        self.sandbox.restore("before")
        self._clock, self._ledger = SkippingClock(), MemoryLedger()
        self._context = CallContext(run_id=run_id)
        connection = self.sandbox.connection()
        if fault and fault.rule is None:
            with nobody_listening() as url:
                return self._call(name, fault, {**connection, "track_url": url, "app_url": url})
        rules = [fault.rule] if fault and fault.rule else []
        operation = ALL[name].operation
        self.sandbox.faults.set([{**rule, "operation": operation} for rule in rules])
        result, tries = self._call(name, fault, connection)
        self._wait_for(tries, name)
        assert len(self.arrived(name)) == tries
        return result, tries

    def _call(
        self, name: str, fault: Fault | None, connection: dict[str, str]
    ) -> tuple[dict[str, Any], int]:
        clock, tries, call = self._clock, Tries(), all_subtools()[name].endpoint
        with (
            self._session(name, fault, clock) as session,
            tool_on(clock, connection, tries, self._ledger, session=session, lookups=True) as tool,
        ):
            result = tool.call(name, ALL[name].arguments, context=self._context)
        return result, tries.made.count((call.method, call.path))

    def follow(self, name: str, result: dict[str, Any]) -> str:
        """Do what a result advises, once the fault is over; return the table's word for that.

        Another tool does it, and a model that should look also repeats a send.
        """
        if result["ok"]:
            return NOTHING
        self.sandbox.faults.clear()
        error, self._clock.tick = result["error"], 0.0
        connection = self.sandbox.connection()
        with tool_on(self._clock, connection, Tries(), self._ledger, lookups=True) as another:
            if error["next_step"] == "wait":
                self._clock.skip(error.get("retry_after_seconds", 30))
                again = another.call(name, ALL[name].arguments, context=self._context)
                is_gone = name == "delete_segment" and code_of(again) == "not_found"
                assert again["ok"] or is_gone, again
                return AGAIN
            if error["next_step"] == "ask_user":
                return USER
            assert error["next_step"] == "look_first"
            look = error["look"]
            assert another.call(look["subtool"], look["arguments"])["ok"]
            if all_subtools()[name].effect is Effect.SEND:
                self._clock.skip(30)
                again = another.call(name, ALL[name].arguments, context=self._context)
                assert _result_of(name, again) == "outcome_unknown"
        return LOOK

    def _session(
        self, name: str, fault: Fault | None, clock: SkippingClock
    ) -> AbstractContextManager[requests.Session | None]:
        """Return a session on which the fault takes no longer than it must."""
        method, rule = all_subtools()[name].endpoint.method, (fault and fault.rule) or {}
        if fault and fault.late:
            return late_session(clock, method)
        if fault and fault.mute:
            number = itertools.count(1)
            return impatient_session(
                method,
                rule.get("times", -1),
                lambda: self._wait_for(next(number), name),
                head_comes=not rule["action"].startswith("no_answer"),
            )
        return nullcontext()

    def _wait_for(self, tries: int, name: str) -> None:
        operation = ALL[name].operation
        self.sandbox.wait_for(tries, operation, after=self._logged, timeout=PATIENCE)

    def arrived(self, name: str) -> list[dict[str, Any]]:
        """The requests of a subtool that the sandbox has seen."""
        logged = self.sandbox.requests(after=self._logged)
        return [one for one in logged if one["operation"] == ALL[name].operation]

    def effects(self, name: str) -> int:
        """How often the call was applied, to be seen from what the workspace holds now."""
        self.sandbox.faults.clear()
        after = self.sandbox.state()
        if (count := _counter(ALL[name].operation)) is not None:
            return count(after) - count(self.before)
        if _settled(after) == _settled(self.before):
            return 0
        assert _settled(after) == _settled(self.after_a_clean_call(name))
        return 1

    def after_a_clean_call(self, name: str) -> dict[str, Any]:
        """The workspace after one call that nothing befell."""
        if name not in self._after_a_clean_call:
            result, _ = self.call(name, None)
            assert result["ok"]
            self._after_a_clean_call[name] = self.sandbox.state()
        return self._after_a_clean_call[name]


def _counter(operation: str) -> Callable[[dict[str, Any]], int] | None:
    """Return what counts the traces of an operation that leaves one each time it is applied."""
    counters: dict[str, Callable[[dict[str, Any]], int]] = {
        "send_email": lambda state: len(state["deliveries"]),
        "send_push": lambda state: len(state["deliveries"]),
        "trigger_broadcast": lambda state: len(state["triggers"]),
        "create_segment": lambda state: len(state["segments"]),
        "track": lambda state: sum(len(person["events"]) for person in state["people"]),
        "track_anonymous": lambda state: len(state["anonymous_events"]),
    }
    return counters.get(operation)


def _settled(state: dict[str, Any]) -> dict[str, Any]:
    return {name: _timeless(value) for name, value in state.items() if name != QUIET}


def _timeless(value: Any) -> Any:
    """Return a part of the state without the times of writes, which a repeat has later."""
    if isinstance(value, dict):
        return {name: _timeless(each) for name, each in value.items() if name not in TIMES}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Sandbox(clock=Clock(frozen_at=NOW)) as sandbox:
        yield Bench(sandbox)


@pytest.mark.parametrize("name", ALL)
def test_a_call_that_nothing_befalls_is_applied_once(bench: Bench, name: str) -> None:
    result, tries = bench.call(name, None)
    outcome = all_subtools()[name].shape.outcome
    assert (result["ok"], result["outcome"], tries) == (True, outcome, 1)
    assert bench.effects(name) == (0 if ALL[name].kind is Kind.READ else 1)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("name", ALL)
def test_a_call_ends_under_a_fault_as_promised(bench: Bench, name: str, fault: Fault) -> None:
    sample, end = ALL[name], fault.ends[ALL[name].kind]
    result, tries = bench.call(name, fault, run_id="r")
    assert (_result_of(name, result), tries, bench.effects(name)) == (
        end.result,
        end.attempts,
        end.effects,
    )
    error = result.get("error", {})
    assert error.get("took_effect") == end.took_effect
    assert fault.retry_after is None or error["retry_after_seconds"] == fault.retry_after
    if sample.kind in (Kind.MESSAGE, Kind.BROADCAST):
        assert sum(one["applied"] for one in bench.arrived(name)) <= 1
    after = end.after(sample.kind)
    assert (bench.follow(name, result), bench.effects(name)) == (after.leads_to, after.effects)


@pytest.mark.parametrize("fault", IN_DOUBT, ids=lambda fault: fault.name)
@pytest.mark.parametrize("name", EVENTS)
def test_where_no_run_is_named_a_repeat_as_advised_is_the_same_event(
    bench: Bench, name: str, fault: Fault
) -> None:
    result, _ = bench.call(name, fault)
    assert bench.follow(name, result) == AGAIN
    assert bench.effects(name) == 1


def _result_of(name: str, result: dict[str, Any]) -> str:
    """Return the table's word for a result."""
    if not result["ok"]:
        return str(result["error"]["code"])
    return "accepted" if None in ids_of(name, result) else "success"


def test_the_table_holds_enough_faults_and_all_kinds() -> None:
    assert len(FAULTS) >= 15
    assert all(set(fault.ends) == set(Kind) for fault in FAULTS)


def test_no_cell_of_the_table_lets_a_call_be_applied_twice() -> None:
    ends = [(kind, end) for fault in FAULTS for kind, end in fault.ends.items()]
    assert all(end.effects <= 1 and end.after(kind).effects <= 1 for kind, end in ends)


def test_the_page_in_the_documentation_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run python -m tests.support.fault_matrix_page"
    )
