"""Each attempt of a request: its slot, its wait, what it costs, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from customerio_tool.backends.telemetry.events import Attempt
from customerio_tool.calls.retry import Attempts, Fate
from customerio_tool.connection.exchange import Reply, Request
from customerio_tool.connection.failures import AnswerLost
from customerio_tool.deadline import Timeouts
from customerio_tool.errors import Cancelled, CredentialsRejected
from customerio_tool.subtools.declare import Api, Effect, Pace
from tests.support.clients import APP_US, PERSON, US
from tests.support.retrier import (
    FAILED,
    LIMITED,
    LOST,
    OK,
    PLAN,
    UNREACHABLE,
    Answer,
    Quota,
    Stage,
    replied,
)
from tests.support.retries import NOW


def check(effect: Effect, answers: list[Answer], ended: tuple[Any, ...]) -> None:
    """Send a request, and see what its attempts came to."""
    stage = Stage(*answers)
    assert stage.send(effect) == Attempts(*ended)
    assert stage.client.asked == [PERSON] * ended[3]


@pytest.mark.parametrize(
    ("answers", "ended"),
    [
        ([OK], (Fate.ANSWERED, OK, "", 1, False)),
        ([FAILED, OK], (Fate.ANSWERED, OK, "", 2, True)),
        ([LOST, LIMITED, OK], (Fate.ANSWERED, OK, "", 3, True)),
        ([FAILED, LOST, LOST], (Fate.LOST, None, str(LOST), 3, True)),
        ([LIMITED, LIMITED, LIMITED], (Fate.LIMITED, LIMITED, "", 3, False)),
        ([FAILED, UNREACHABLE, LIMITED], (Fate.LIMITED, LIMITED, "", 3, True)),
    ],
)
def test_what_may_be_applied_twice_is_repeated(
    answers: list[Answer], ended: tuple[Any, ...]
) -> None:
    check(Effect.OVERWRITE, answers, ended)


@pytest.mark.parametrize("effect", [Effect.SEND, Effect.CREATE])
@pytest.mark.parametrize(
    ("answers", "ended"),
    [
        ([LOST], (Fate.LOST, None, str(LOST), 1, True)),
        ([replied(408)], (Fate.FAILED, replied(408), "", 1, True)),
        ([LIMITED, FAILED], (Fate.FAILED, FAILED, "", 2, True)),
    ],
)
def test_what_may_have_been_applied_is_not_repeated(
    effect: Effect, answers: list[Answer], ended: tuple[Any, ...]
) -> None:
    check(effect, answers, ended)


@pytest.mark.parametrize("status", [200, 303, 404, 428, 430])
def test_an_answer_is_final(status: int) -> None:
    final = replied(status)
    check(Effect.READ, [final], (Fate.ANSWERED, final, "", 1, False))


@pytest.mark.parametrize(
    ("effect", "came", "is_enough"),
    [
        (Effect.READ, 199, False),
        (Effect.READ, 200, False),
        (Effect.READ, 299, False),
        (Effect.READ, 300, True),
        (Effect.SEND, 200, True),
        (Effect.OVERWRITE, 204, True),
    ],
)
def test_an_answer_that_is_cut_off_is_enough_where_its_status_is(
    effect: Effect, came: int, is_enough: bool
) -> None:
    cut = replied(came)
    first = (Fate.ANSWERED, cut, "", 1, False)
    check(effect, [AnswerLost("Cut.", cut), OK], first if is_enough else REPEATED)


REPEATED = Fate.ANSWERED, OK, "", 2, True


def test_where_no_connection_is_made_the_last_attempt_says_what_mends_it() -> None:
    ended = Stage(*[UNREACHABLE] * 3).send(Effect.SEND)
    assert ended == Attempts(Fate.NOT_SENT, None, "No connection.", 3, False, "ask_user")


def test_each_attempt_is_told_and_shown_as_it_was() -> None:
    stage = Stage(LIMITED, UNREACHABLE, OK)
    stage.send(Effect.SEND, PLAN)
    place = "POST", "/v1/send/{kind}", APP_US
    assert stage.notices == [
        Attempt(1, *place, 429, "limited", NOW, 1.0, ""),
        Attempt(2, *place, None, "not_sent", NOW + 1.25, 1.0, "No connection."),
        Attempt(3, *place, 200, "answered", NOW + 2.75, 1.0, ""),
    ]
    replies = [LIMITED, None, OK]
    assert stage.shown == [
        (PLAN, reply, told) for reply, told in zip(replies, stage.notices, strict=True)
    ]
    assert Stage(OK).client.origin(Api.TRACK) == US


@pytest.mark.parametrize(
    ("effect", "room", "later"),
    [
        (Effect.READ, 24.0, 22.75),
        (Effect.OVERWRITE, 10.0, 22.75),
        (Effect.CREATE, 10.0, 8.75),
        (Effect.SEND, 10.0, 8.75),
    ],
)
def test_a_slot_may_be_as_far_away_as_leaves_time_for_the_attempt(
    effect: Effect, room: float, later: float
) -> None:
    stage = Stage(LIMITED, OK)
    stage.send(effect, PLAN)
    place = f"{stage.bucket}send", Pace.SEND
    assert stage.limiter.reserved == [(*place, room), (*place, later)]


@pytest.mark.parametrize(
    ("effect", "room"), [(Effect.READ, 24.0), (Effect.OVERWRITE, 24.0), (Effect.SEND, 10.0)]
)
def test_an_attempt_that_may_be_cut_off_is_the_only_one(effect: Effect, room: float) -> None:
    stage = Stage(LIMITED, OK, brief=True)
    assert stage.send(effect, PLAN).made == 1
    assert stage.limiter.reserved == [(f"{stage.bucket}send", Pace.SEND, room)]


def test_an_attempt_that_takes_less_than_a_second_needs_no_more() -> None:
    stage = Stage(FAILED, OK, timeouts=Timeouts(connect=0.25, read=0.5))
    stage.send(Effect.READ)
    assert [room for *_, room in stage.limiter.reserved] == [24.25, 23.0]


def test_a_slot_that_leaves_too_little_time_is_refused_at_first_and_ends_the_retries() -> None:
    assert Stage(waits=(24.5,)).fails(Effect.READ).code == "rate_limited"
    assert Stage(waits=(0.5,), seconds=15.0).fails(Effect.SEND).code == "rate_limited"
    stage = Stage(FAILED, OK, waits=(0.0, 22.8))
    assert stage.send(Effect.READ) == Attempts(Fate.FAILED, FAILED, "", 1, True)
    assert Stage(FAILED, OK, waits=(0.0, 22.7)).send(Effect.READ).made == 2


@pytest.mark.parametrize(
    ("pace", "wait", "waited", "paused"),
    [
        (Pace.TRACK, "", 0.25, 0.001),
        (Pace.APP, "", 0.25, 0.1),
        (Pace.BROADCAST, "", 10.0, 10.0),
        (Pace.APP, "4", 4.0, 4.0),
        (Pace.APP, "0", 0.25, 0.0),
        (Pace.BROADCAST, "2", 2.0, 2.0),
    ],
)
def test_after_a_429_its_whole_rate_class_pauses_and_the_call_waits(
    pace: Pace, wait: str, waited: float, paused: float
) -> None:
    stage = waiting(replied(429, wait), pace)
    assert stage.limiter.paused == [(f"{stage.bucket}{pace.name.lower()}", pace, paused)]
    assert stage.clock.sleeps == [waited]
    assert stage.reports == [f"Trying again in {waited:.1f} s: 429: not accepted."]


@pytest.mark.parametrize(
    ("pace", "wait", "waited"),
    [(Pace.APP, "", 0.25), (Pace.BROADCAST, "", 0.25), (Pace.APP, "4", 4.0)],
)
def test_after_a_5xx_only_the_call_waits(pace: Pace, wait: str, waited: float) -> None:
    stage = waiting(replied(503, wait), pace)
    assert stage.limiter.paused == []
    assert stage.clock.sleeps == [waited]
    assert stage.reports == [f"Trying again in {waited:.1f} s: 5xx or 408: may have been applied."]


def waiting(first: Reply, pace: Pace) -> Stage:
    """Return the stage of a read that got this answer, waited, and then got a good one."""
    stage = Stage(first, OK, timeouts=Timeouts(2, 2))
    assert stage.send(Effect.READ, Request(Api.APP, "GET", "/v1/segments", pace=pace)).made == 2
    return stage


@pytest.mark.parametrize(
    ("effect", "wait", "made"),
    [
        (Effect.READ, "23", 2),
        (Effect.READ, "23.1", 1),
        (Effect.CREATE, "9", 2),
        (Effect.CREATE, "9.1", 1),
    ],
)
def test_a_wait_that_just_leaves_time_for_an_attempt_is_waited(
    effect: Effect, wait: str, made: int
) -> None:
    stage = Stage(replied(429, wait), OK)
    assert stage.send(effect).made == made
    assert stage.clock.sleeps == [float(wait)] * (made - 1)


@pytest.mark.parametrize(
    ("answers", "booked"),
    [
        ([OK], [1]),
        ([replied(404)], [1]),
        ([LIMITED, OK], [-5, 5]),
        ([UNREACHABLE, FAILED, OK], [-14, -14, 28]),
        ([LIMITED, LOST, OK], [-5, -14, 19]),
        ([LOST, LIMITED, FAILED], [-14, -5]),
    ],
)
def test_a_retry_is_paid_for_and_a_success_pays_back_what_its_own_cost(
    answers: list[Answer], booked: list[int]
) -> None:
    stage = Stage(*answers)
    stage.send(Effect.OVERWRITE)
    key = stage.client.workspace_key, Api.TRACK
    assert stage.quota.booked == [(key, units) for units in booked]


def test_without_quota_nothing_is_waited_for() -> None:
    stage = Stage(FAILED, quota=Quota(is_empty=True))
    assert stage.send(Effect.OVERWRITE).made == 1
    assert (stage.clock.sleeps, stage.reports) == ([], [])


@pytest.mark.parametrize(
    ("effect", "heard"), [(Effect.SEND, ["begin", "end"] * 2), (Effect.CREATE, [])]
)
def test_the_wait_of_a_send_between_its_attempts_is_told_to_those_who_keep_it(
    effect: Effect, heard: list[str]
) -> None:
    stage = Stage(LIMITED, UNREACHABLE, OK)
    stage.send(effect)
    assert stage.waits.heard == heard


def test_a_send_that_does_not_go_again_stays_told_as_waiting() -> None:
    stage = Stage(replied(429, "600"))
    stage.send(Effect.SEND)
    assert stage.waits.heard == ["begin"]


def in_the_wait(count: int) -> Callable[[Stage], bool]:
    """Cancel a call once it has made so many attempts, and slept after the last one."""
    return lambda stage: len(stage.notices) >= count and len(stage.clock.sleeps) >= count


def before_the_wait(count: int) -> Callable[[Stage], bool]:
    """Cancel a call once it has made so many attempts."""
    return lambda stage: len(stage.notices) >= count


@pytest.mark.parametrize(
    ("effect", "answers", "took_effect"),
    [
        (Effect.OVERWRITE, [LIMITED], "no"),
        (Effect.OVERWRITE, [UNREACHABLE], "no"),
        (Effect.OVERWRITE, [FAILED], "unknown"),
        (Effect.OVERWRITE, [FAILED, UNREACHABLE], "unknown"),
        (Effect.READ, [FAILED], "no"),
        (Effect.READ, [FAILED, UNREACHABLE], "no"),
    ],
)
def test_a_cancelled_call_says_whether_it_may_have_been_applied(
    effect: Effect, answers: list[Answer], took_effect: str
) -> None:
    for cancels in (before_the_wait, in_the_wait):
        stage = Stage(*answers, cancels=cancels(len(answers)))
        error = stage.fails(effect)
        assert isinstance(error, Cancelled)
        assert error.as_result() == {
            "ok": False,
            "summary": "The call was cancelled.",
            "error": {"code": "cancelled", "next_step": "give_up", "took_effect": took_effect},
        }
        assert len(stage.client.asked) == len(answers)


@pytest.mark.parametrize(
    ("effect", "took_effect"), [(Effect.OVERWRITE, "unknown"), (Effect.READ, "no")]
)
@pytest.mark.parametrize("waited", [0, 1, 4])
def test_a_call_that_is_cancelled_while_it_waits_for_its_next_slot_stays_in_doubt(
    effect: Effect, took_effect: str, waited: int
) -> None:
    retry = 2  # it takes two looks of 0.2 s and 0.05 s to wait for the backoff
    stage = Stage(
        FAILED, OK, waits=(0.0, 5.0), cancels=lambda at: len(at.clock.sleeps) >= retry + waited
    )
    error = stage.fails(effect)
    assert (error.code, error.took_effect) == ("cancelled", took_effect)
    assert stage.reports[-1].startswith("Waiting 5 s") is (waited > 0)


def test_a_call_that_is_cancelled_as_its_slot_comes_stays_in_doubt() -> None:
    stage = Stage(FAILED, OK, cancels=lambda at: len(at.limiter.reserved) > 1)
    error = stage.fails(Effect.OVERWRITE)
    assert (error.code, error.took_effect) == ("cancelled", "unknown")


def test_where_no_connection_was_made_a_cancelled_call_ends_as_such_and_no_other_does() -> None:
    stage = Stage(UNREACHABLE, brief=True, cancels=before_the_wait(1))
    assert stage.fails(Effect.OVERWRITE).code == "cancelled"
    assert Stage(OK, cancels=before_the_wait(1)).send(Effect.OVERWRITE).reply == OK
    last = Stage(FAILED, brief=True, cancels=before_the_wait(1)).send(Effect.OVERWRITE)
    assert last.fate is Fate.FAILED


def test_a_long_wait_looks_often_whether_the_call_was_cancelled_and_ends_in_time() -> None:
    stage = Stage(replied(503, "1.5"), OK, cancels=lambda _: False)
    assert stage.send(Effect.READ).made == 2
    assert stage.clock.sleeps == pytest.approx([0.2] * 7 + [0.1])
    assert stage.reports == ["Trying again in 1.5 s: 5xx or 408: may have been applied."]


def test_a_wait_for_a_slot_is_reported_where_it_is_long() -> None:
    stage = Stage(OK, waits=(0.5,))
    stage.send(Effect.READ)
    assert (stage.clock.sleeps, stage.reports) == ([0.5], [])


@pytest.mark.parametrize(
    ("effect", "first", "took_effect", "summary"),
    [
        (Effect.OVERWRITE, LIMITED, "no", "No region."),
        (
            Effect.OVERWRITE,
            LOST,
            "unknown",
            "No region. An earlier attempt of this call may have been applied.",
        ),
        (Effect.READ, LOST, "no", "No region."),
    ],
)
def test_an_error_after_an_attempt_in_doubt_is_in_doubt(
    effect: Effect, first: Answer, took_effect: str, summary: str
) -> None:
    error = Stage(first, CredentialsRejected("No region.")).fails(effect)
    assert (str(error), error.took_effect) == (summary, took_effect)
