"""What is kept of an event whose answer was lost, so that a repeat is the same event."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from customerio_tool.backends.ledger.entry import Entry, EntrySpoilt
from customerio_tool.calls.call import Call, CallContext
from customerio_tool.calls.message_keys import DAY, digest_of, message_key
from customerio_tool.calls.record_once import RecordOnce
from customerio_tool.errors import (
    Cancelled,
    CustomerIoError,
    LedgerUnavailable,
    RequestRejected,
    ServiceFailed,
)
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Invocation
from tests.support.ledger_calls import START, NotingLedger

ULID, OTHER = "01JD5T3Q6C9W4Y2M8K7H1N0PZX", "01JD5T3Q6C9W4Y2M8K7H1N0PZ0"
EVENT = {"customer_id": "u1", "name": "paid"}
NOW = START + 5


def key_of(run: str | None, name: str = "track_event", **given: Any) -> str:
    meant = {"customer_id": ["id", "u1"], "name": "paid", **given}
    event = digest_of(name, "w", {n: v for n, v in meant.items() if v is not None})
    return message_key(name, "w", event, run)


class Events:
    """Records events through two ledgers, and writes down what was sent."""

    def __init__(self) -> None:
        self.ledger, self.spare = NotingLedger(), NotingLedger()
        self.sent: list[tuple[float, str]] = []
        self.failure: BaseException | None = None
        self._once = RecordOnce(self.ledger, self.spare, lambda: NOW)

    def record(
        self, name: str = "track_event", run: str | None = "r", **changed: Any
    ) -> dict[str, Any]:
        subtool = find(name)
        args = subtool.parse({**EVENT, **changed})
        at = Invocation(now=START, workspace="w", ulid=ULID)

        def send(event: Call[Any]) -> dict[str, Any]:
            self.sent.append((event.at.now, event.at.ulid))
            assert event.args is args
            if self.failure:
                raise self.failure
            return {"outcome": "accepted"}

        return self._once.run(Call(subtool, args, at, CallContext(run_id=run)), send)

    def fails(self, failure: BaseException, **how: Any) -> BaseException:
        """Record an event whose sending fails, and return what the call raises."""
        self.failure = failure
        with pytest.raises(type(failure)) as caught:
            self.record(**how)
        self.failure = None
        return caught.value

    def forget(self) -> None:
        """Forget what was done so far."""
        self.ledger.done.clear()
        self.spare.done.clear()


@pytest.fixture
def events() -> Events:
    return Events()


def kept(lasts: float, began: float = START, ulid: Any = ULID) -> Entry:
    return Entry("unknown", "track_event", began, NOW, NOW + lasts, {"ulid": ulid})


def test_an_event_that_is_answered_leaves_no_trace(events: Events) -> None:
    assert events.record() == {"outcome": "accepted"}
    assert events.sent == [(START, ULID)]
    assert events.ledger.done == [("find", key_of("r"), NOW)]
    assert events.spare.done == [("release", key_of("r"))]


LOST = ServiceFailed("Lost.", retry_after_seconds=30)


@pytest.mark.parametrize(
    ("failure", "run", "lasts"),
    [
        (LOST, "r", DAY + 30),
        (LOST, None, 630.0),
        (ServiceFailed("Lost.", retry_after_seconds=1e6), None, 600.0 + DAY),
        (ServiceFailed("Lost."), "", 600.0),
        (Cancelled("Cancelled.", took_effect="unknown"), "r", DAY),
        (KeyboardInterrupt(), None, 600.0),
    ],
)
def test_the_id_of_an_event_in_doubt_is_kept_in_both_ledgers(
    events: Events, failure: BaseException, run: str | None, lasts: float
) -> None:
    assert events.fails(failure, run=run) is failure
    done = ("settle", key_of(run or None), kept(lasts), NOW)
    assert events.ledger.done[1:] == events.spare.done[1:] == [done]
    assert str(failure) in ("Lost.", "Cancelled.", "")


@pytest.mark.parametrize("failure", [RequestRejected("No."), Cancelled("No.", took_effect="no")])
def test_of_an_event_that_was_not_recorded_nothing_is_kept(
    events: Events, failure: CustomerIoError
) -> None:
    assert events.fails(failure) is failure
    assert (len(events.ledger.done), len(events.spare.done)) == (1, 1)
    assert failure.summary == "No."


def test_a_repeat_is_the_same_event_and_its_answer_ends_it(events: Events) -> None:
    key = key_of("r")
    events.ledger.settle(key, kept(DAY, START - 60, OTHER), NOW)
    events.forget()
    events.record()
    assert events.sent == [(START - 60, OTHER)]
    assert events.ledger.done == [("find", key, NOW), ("release", key)]
    assert events.spare.done == [("release", key)]


def test_a_repeat_that_is_lost_too_keeps_the_id_and_the_time(events: Events) -> None:
    key = key_of("r")
    events.ledger.settle(key, kept(DAY, START - 60, OTHER), NOW)
    events.forget()
    events.fails(ServiceFailed("Lost."))
    done = [("find", key, NOW), ("settle", key, kept(DAY, START - 60, OTHER), NOW)]
    assert events.ledger.done == done


@pytest.mark.parametrize(
    "entry",
    [
        kept(DAY, ulid=None),
        kept(DAY, ulid=7),
        kept(DAY, ulid=ULID[:-1]),
        kept(DAY, ulid="u" * 26),
        Entry("unknown", "track_page_view", START, NOW, NOW + DAY, {"ulid": ULID}),
        Entry("unknown", "track_event", START, NOW, NOW + DAY, {}),
    ],
)
def test_an_entry_that_is_none_of_the_event_refuses_it(events: Events, entry: Entry) -> None:
    events.ledger.settle(key_of("r"), entry, NOW)
    check_refusal(events)


def check_refusal(events: Events) -> None:
    with pytest.raises(LedgerUnavailable) as caught:
        events.record()
    assert caught.value.as_result() == {
        "ok": False,
        "summary": "Nothing was recorded now: the ledger has the same call as one whose answer was "
        "lost, but its entry cannot be read, so that a repeat could record the event twice.",
        "error": {"code": "ledger_unavailable", "next_step": "wait", "took_effect": "no"},
    }
    assert caught.value.__context__ is None
    assert events.sent == []


def test_an_entry_that_is_spoilt_refuses_the_event(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(*_: object) -> Any:
        raise EntrySpoilt("spoilt")

    monkeypatch.setattr(events.ledger, "find", spoilt)
    check_refusal(events)


def test_where_the_ledger_is_lost_the_spare_tells_the_id(
    events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    events.spare.settle(key_of("r"), kept(DAY, START - 60, OTHER), NOW)
    events.forget()
    events.ledger.lost_at = {1, 2}
    assert events.record() == {"outcome": "accepted"}
    assert events.sent == [(START - 60, OTHER)]
    assert events.spare.done == [("find", key_of("r"), NOW), ("release", key_of("r"))]
    assert [(each.name, each.levelno) for each in caplog.records] == [
        ("customerio_tool.calls.record_once", logging.WARNING)
    ] * 2
    assert [each.getMessage() for each in caplog.records] == [
        "track_event goes on although the ledger is lost (unplugged)",
        "the ledger was lost before an event was known as recorded (unplugged)",
    ]


@pytest.mark.parametrize(
    ("fail", "told"),
    [
        (
            lambda: ServiceFailed("Lost."),
            "Lost. Give it the event_id beside: the ledger that keeps ids is lost.",
        ),
        (KeyboardInterrupt, ""),
    ],
)
def test_where_the_id_could_not_be_kept_the_error_says_so(
    events: Events,
    fail: Callable[[], BaseException],
    told: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    events.ledger.lost_at = {2}
    assert str(events.fails(fail())) == told
    assert [each.getMessage() for each in caplog.records] == [
        "the ledger was lost before the id of an event was kept (unplugged)"
    ]
    assert events.spare.done[-1][0] == "settle"


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"customer_id": "Ada@Example.com"}, {"customer_id": ["email", "ada@example.com"]}),
        ({"data": {}}, {}),
        ({"data": {"n": 1.0}}, {"data": {"n": 1}}),
        ({"event_id": "order-7"}, {"event_id": "order-7"}),
    ],
)
def test_one_event_has_one_key_in_all_its_spellings(
    events: Events, changed: dict[str, Any], key: dict[str, Any]
) -> None:
    events.record(**changed)
    assert events.ledger.done == [("find", key_of("r", **key), NOW)]


def test_an_event_of_nobody_known_has_a_key_too(events: Events) -> None:
    subtool = find("track_anonymous_event")
    args = subtool.parse({"anonymous_id": "v", "name": "seen"})
    at = Invocation(now=START, workspace="w", ulid=ULID)
    send: Callable[[Any], dict[str, Any]] = lambda _: {}  # noqa: E731 - it sends nothing
    RecordOnce(events.ledger, events.spare, lambda: NOW).run(Call(subtool, args, at), send)
    event = digest_of(subtool.name, "w", {"anonymous_id": "v", "name": "seen"})
    assert events.ledger.done == [("find", message_key(subtool.name, "w", event, None), NOW)]
