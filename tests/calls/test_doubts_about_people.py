"""While a message to somebody may have gone, another one to them waits: for proof or a person."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from customerio_tool import Backends, CallContext, Clock, CustomerIoTool, SqliteLedger
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.calls.doubts import SETTLED_SECONDS
from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.clock import Clock as ServerClock
from tests.support.clients import AnyPace, code_of
from tests.support.ledger_calls import Loseable

MAIL, PUSH, BROADCAST = (
    "send_transactional_email",
    "send_transactional_push",
    "trigger_broadcast",
)
E = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}
P = {"customer_id": "u1", "transactional_message_id": "3"}
LISTED = {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": ["u1"]}
TO_ALL = {"broadcast_id": 30, "audience": "default"}
RUN = CallContext(run_id="r")
BEFORE, AFTER = "reset_before_applying", "reset_after_applying"


class Now:
    """A clock that a test sets forward, for the tool and its server."""

    def __init__(self) -> None:
        self.seconds = float(int(time.time()))

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def sandbox(now: Now) -> Iterator[Sandbox]:
    with Sandbox(clock=ServerClock(now)) as running:
        yield running


@pytest.fixture
def tool(sandbox: Sandbox, now: Now) -> Iterator[CustomerIoTool]:
    clock = Clock(now=now, sleep=lambda _: None)
    backends = Backends(limiter=AnyPace())
    with CustomerIoTool(sandbox.connection(), backends=backends, clock=clock) as made:
        yield made


def sends(sandbox: Sandbox) -> int:
    """Return how many sends arrived."""
    return sum(each["method"] == "POST" for each in sandbox.requests())


def lose(
    sandbox: Sandbox, tool: CustomerIoTool, name: str, arguments: Any, how: str = AFTER
) -> dict[str, Any]:
    """Make a call whose answer is lost."""
    sandbox.fault(action=how, method="POST", times=1)
    result = tool.call(name, arguments, context=RUN)
    assert code_of(result) == "outcome_unknown"
    return result


SPELT_OTHERWISE = {
    "the template by its name": (MAIL, E, MAIL, {**E, "transactional_message_id": "receipt"}),
    "the person by address": (MAIL, E, MAIL, {**E, "customer_id": "ada@example.com"}),
    "the person as somebody else": (MAIL, E, MAIL, {**E, "customer_id": "u2"}),
    "another address": (MAIL, E, MAIL, {**E, "to": "ada@work.example"}),
    "the address in other case": (MAIL, E, MAIL, {**E, "to": "Ada@Example.com"}),
    "a copy": (MAIL, E, MAIL, {**E, "to": "bob@b.com", "customer_id": "u9", "bcc": E["to"]}),
    "other data": (MAIL, E, MAIL, {**E, "message_data": {"n": 1}}),
    "a new key": (MAIL, E, MAIL, {**E, "message_data": {"n": 1}, "idempotency_key": "new"}),
    "a push": (MAIL, E, PUSH, P),
    "a mail after a push": (PUSH, P, MAIL, E),
    "a push by another name": (PUSH, P, PUSH, {**P, "transactional_message_id": "order_shipped"}),
    "a broadcast": (MAIL, E, BROADCAST, LISTED),
    "a broadcast to an address": (
        MAIL,
        E,
        BROADCAST,
        {
            "broadcast_id": 30,
            "audience": "emails",
            "emails": ["zoe@b.com", "ADA@example.com"],
            "ignore_missing": True,
        },
    ),
    "a broadcast with data for each": (
        MAIL,
        E,
        BROADCAST,
        {"broadcast_id": 30, "audience": "per_user_data", "per_user_data": [{"id": "u1"}]},
    ),
    "a mail after a broadcast": (BROADCAST, LISTED, MAIL, E),
    "a broadcast with other data": (BROADCAST, TO_ALL, BROADCAST, {**TO_ALL, "data": {"n": 1}}),
    "a broadcast to some of all": (BROADCAST, TO_ALL, BROADCAST, LISTED),
    "a broadcast to all": (BROADCAST, LISTED, BROADCAST, TO_ALL),
}


ONE_MESSAGE = ("the template by", "the person by", "the person as", "a push by")
"""Which of these say the same as the lost one, so that they may be it."""


@pytest.mark.parametrize(
    ("lost", "first", "name", "arguments"), SPELT_OTHERWISE.values(), ids=SPELT_OTHERWISE.keys()
)
@pytest.mark.parametrize("how", [BEFORE, AFTER])
def test_another_send_to_somebody_in_doubt_waits_for_a_person(
    sandbox: Sandbox,
    tool: CustomerIoTool,
    lost: str,
    first: dict[str, Any],
    name: str,
    arguments: dict[str, Any],
    how: str,
    now: Now,
    request: pytest.FixtureRequest,
) -> None:
    is_same = any(each in request.node.name for each in ONE_MESSAGE)
    lose(sandbox, tool, lost, first, how)
    now.seconds += 30
    asked = tool.call(name, arguments, context=RUN)
    if how == AFTER and is_same:
        assert asked["outcome"] == "already_sent"
        assert sends(sandbox) == 1
        return
    assert code_of(asked) == "confirmation_required"
    assert asked["error"]["next_step"] == "ask_user"
    assert sends(sandbox) == 1
    look = asked["error"]["look"]
    assert tool.call(look["subtool"], look["arguments"])["ok"]

    approved = tool.approve(asked["confirmation_id"])
    assert approved.get("outcome") == "accepted", approved
    assert sends(sandbox) == 2


def test_a_repeat_that_the_look_shows_is_told_as_possibly_sent(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    lose(sandbox, tool, MAIL, E)
    told = tool.call(MAIL, {**E, "transactional_message_id": "receipt"}, context=RUN)
    assert told["outcome"] == "already_sent"
    assert sandbox.state()["deliveries"][-1]["id"] in told["possibly"]
    assert "possibly of that call" in told["possibly"]
    assert "ada@example.com" not in told["summary"]
    assert tool.call(told["verify"]["subtool"], told["verify"]["arguments"])["count"] == 1
    jsonschema.validate(told, tool.definition(MAIL)["output_schema"])


def test_a_message_before_the_lost_one_is_not_told_as_it(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now
) -> None:
    assert tool.call(MAIL, {**E, "message_data": {"n": 1}}, context=RUN)["ok"]
    now.seconds += 60
    lose(sandbox, tool, MAIL, E, BEFORE)
    respelt = {**E, "transactional_message_id": "receipt"}
    assert code_of(tool.call(MAIL, respelt, context=RUN)) == "confirmation_required"


@pytest.mark.parametrize("hidden", ["email", "id"])
def test_a_hidden_attribute_makes_no_other_message_the_lost_one(
    sandbox: Sandbox, now: Now, hidden: str
) -> None:
    clock, policy = Clock(now=now, sleep=lambda _: None), {"hidden_attributes": [hidden]}
    backends = Backends(limiter=AnyPace())
    with CustomerIoTool(
        sandbox.connection(), policy=policy, backends=backends, clock=clock
    ) as tool:
        lose(sandbox, tool, MAIL, E, BEFORE)
        elsewhere = {"to": "zoë@example.com", "customer_id": "u3", "transactional_message_id": "1"}
        assert tool.call(MAIL, elsewhere, context=RUN)["ok"]
        respelt = {**E, "customer_id": "u2"}
        assert code_of(tool.call(MAIL, respelt, context=RUN)) == "confirmation_required"


def test_another_message_is_not_told_as_sent(sandbox: Sandbox, tool: CustomerIoTool) -> None:
    lose(sandbox, tool, MAIL, E)
    told = tool.call(MAIL, {**E, "transactional_message_id": "2"}, context=RUN)
    assert code_of(told) == "confirmation_required"
    assert sandbox.state()["deliveries"][-1]["id"] in told["possibly"]


def test_where_nothing_is_listed_soon_after_a_person_is_asked(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now
) -> None:
    lose(sandbox, tool, MAIL, E, BEFORE)
    now.seconds += SETTLED_SECONDS - 1
    asked = tool.call(MAIL, {**E, "message_data": {"n": 1}}, context=RUN)
    assert code_of(asked) == "confirmation_required"
    assert "possibly" not in asked


@pytest.mark.parametrize("who", ["u1", "cio_d9c106000001"])
def test_where_nothing_is_listed_long_after_it_goes(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now, who: str
) -> None:
    mail = {**E, "customer_id": who}
    lose(sandbox, tool, MAIL, mail, BEFORE)
    now.seconds += SETTLED_SECONDS + 30
    assert tool.call(MAIL, {**mail, "message_data": {"n": 1}}, context=RUN)["ok"]
    assert tool.call(MAIL, {**mail, "message_data": {"n": 2}}, context=RUN)["ok"]
    assert sends(sandbox) == 3


def test_a_doubt_that_a_list_settled_is_not_looked_for_again(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now
) -> None:
    lose(sandbox, tool, PUSH, P, BEFORE)
    now.seconds += SETTLED_SECONDS + 30
    many = {**LISTED, "customer_ids": [f"u{n}" for n in range(1, 21)], "ignore_missing": True}
    assert tool.call(BROADCAST, many, context=RUN)["ok"]
    assert tool.call(PUSH, {**P, "message_data": {"n": 1}}, context=RUN)["ok"]
    assert [each["operation"] for each in sandbox.requests()].count("customer_messages") == 1


def test_a_mark_that_its_call_could_not_end_tells_of_the_person_too(
    sandbox: Sandbox, now: Now
) -> None:
    ledger = Loseable(MemoryLedger())

    def lose_it(_: object) -> None:
        ledger.lost = True

    sandbox.fault(action=BEFORE, method="POST", times=1)
    backends, clock = Backends(limiter=AnyPace(), ledger=ledger), Clock(now=now)
    with CustomerIoTool(sandbox.connection(), backends=backends, clock=clock) as tool:
        first = tool.call(PUSH, P, context=CallContext(run_id="r", on_exchange=lose_it))
        assert code_of(first) == "outcome_unknown"
        ledger.lost = False
        now.seconds += SETTLED_SECONDS + 60
        assert tool.call(PUSH, {**P, "message_data": {"n": 1}}, context=RUN)["ok"]


@pytest.mark.parametrize("why", ["listed", "listed late", "scheduled", "another id", "unread"])
def test_what_is_not_proven_absent_waits_for_a_person_however_late(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now, why: str
) -> None:
    how = AFTER if why.startswith("listed") else BEFORE
    soon = {"send_at": str(int(now.seconds) + 3600)} if why == "scheduled" else {}
    lose(sandbox, tool, MAIL, {**E, **soon}, how)
    now.seconds += SETTLED_SECONDS + 30
    who = {"customer_id": "ada@example.com"} if why == "another id" else {}
    if why == "unread":
        sandbox.fault(status=500, operation="customer_messages")
    asked = tool.call(MAIL, {**E, **who, "message_data": {"n": 1}}, context=RUN)
    assert code_of(asked) == "confirmation_required"
    assert sends(sandbox) == 1


def test_a_list_that_does_not_end_proves_nothing(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now
) -> None:
    lose(sandbox, tool, MAIL, E, BEFORE)
    now.seconds += SETTLED_SECONDS + 30
    sandbox.configure(last_page_next="more")
    asked = tool.call(MAIL, {**E, "message_data": {"n": 1}}, context=RUN)
    assert code_of(asked) == "confirmation_required"
    assert sends(sandbox) == 1


def test_a_list_about_somebody_else_proves_nothing(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now
) -> None:
    lose(sandbox, tool, MAIL, E, BEFORE)
    now.seconds += SETTLED_SECONDS + 30
    stranger = {"id": "u9", "email": "zoe@b.com", "cio_id": "d9c106000099"}
    listed = {"id": "m", "type": "push", "created": 7, "customer_identifiers": stranger}
    sandbox.fault(operation="customer_messages", body={"messages": [listed], "next": ""})
    asked = tool.call(MAIL, {**E, "message_data": {"n": 1}}, context=RUN)
    assert code_of(asked) == "confirmation_required"
    assert sends(sandbox) == 1


def test_the_lost_message_on_a_later_page_is_found(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customerio_tool.calls.doubts.MAX_MESSAGES", 2)
    lose(sandbox, tool, MAIL, E)
    sent = sandbox.state()["deliveries"][-1]["id"]
    now.seconds += SETTLED_SECONDS + 30
    others = CallContext(run_id="another")
    for number in range(4):
        push = {**P, "message_data": {"n": number}}
        assert tool.call(PUSH, push, context=others)["ok"]
    asked = tool.call(MAIL, {**E, "message_data": {"n": 1}}, context=RUN)
    assert code_of(asked) == "confirmation_required"
    assert sent in asked["possibly"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (MAIL, {**E, "to": "zoë@example.com", "customer_id": "u3"}),
        (MAIL, {**E, "queue_draft": True}),
        (PUSH, {**P, "customer_id": "u3"}),
        (BROADCAST, {**LISTED, "customer_ids": ["u3"]}),
    ],
)
def test_a_send_to_nobody_in_doubt_goes(
    sandbox: Sandbox, tool: CustomerIoTool, name: str, arguments: dict[str, Any]
) -> None:
    lose(sandbox, tool, MAIL, E)
    assert tool.call(name, arguments, context=RUN)["ok"]
    assert sends(sandbox) == 2


def test_a_message_that_certainly_did_not_go_leaves_no_doubt(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    sandbox.fault(status=422, method="POST", times=1)
    assert code_of(tool.call(MAIL, E, context=RUN)) == "request_rejected"
    assert tool.call(MAIL, {**E, "message_data": {"n": 1}}, context=RUN)["ok"]


def test_a_message_that_went_leaves_no_doubt(tool: CustomerIoTool) -> None:
    for number in range(3):
        assert tool.call(MAIL, {**E, "message_data": {"n": number}}, context=RUN)["ok"]


def test_nobody_is_asked_where_the_budget_is_spent(sandbox: Sandbox, now: Now) -> None:
    clock, backends = Clock(now=now, sleep=lambda _: None), Backends(limiter=AnyPace())
    with CustomerIoTool(
        sandbox.connection(), policy={"send_budget": 1}, backends=backends, clock=clock
    ) as tool:
        lose(sandbox, tool, MAIL, E)
        result = tool.call(MAIL, {**E, "customer_id": "ada@example.com"}, context=RUN)
    assert code_of(result) == "policy_refused"
    assert sends(sandbox) == 1


def test_a_doubt_holds_in_its_run_and_without_one_for_ten_minutes(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now
) -> None:
    lose(sandbox, tool, MAIL, E)
    other = {**E, "message_data": {"n": 1}}
    assert tool.call(MAIL, other, context=CallContext(run_id="s"))["ok"]
    sandbox.fault(action=AFTER, method="POST", times=1)
    assert code_of(tool.call(MAIL, {**E, "subject": "A"})) == "outcome_unknown"
    assert code_of(tool.call(MAIL, {**E, "subject": "B"})) == "confirmation_required"
    now.seconds += 660
    assert tool.call(MAIL, {**E, "subject": "B"})["ok"]


def test_an_agreement_to_one_message_is_none_to_the_next(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now
) -> None:
    lose(sandbox, tool, MAIL, E, BEFORE)
    asked = tool.call(MAIL, {**E, "message_data": {"n": 1}}, context=RUN)
    sandbox.fault(action=AFTER, method="POST", times=1)
    assert code_of(tool.approve(asked["confirmation_id"])) == "outcome_unknown"
    now.seconds += SETTLED_SECONDS + 30
    again = tool.call(MAIL, {**E, "message_data": {"n": 2}}, context=RUN)
    assert code_of(again) == "confirmation_required"
    tool.decline(again["confirmation_id"])
    assert sends(sandbox) == 2


def test_a_doubt_reaches_every_process_on_the_ledger(
    sandbox: Sandbox, now: Now, tmp_path: Any
) -> None:
    def worker() -> CustomerIoTool:
        ledger = SqliteLedger(tmp_path / "ledger.sqlite")
        backends = Backends(limiter=AnyPace(), ledger=ledger)
        clock = Clock(now=now, sleep=lambda _: None)
        return CustomerIoTool(sandbox.connection(), backends=backends, clock=clock)

    with worker() as one, worker() as other:
        lose(sandbox, one, MAIL, E)
        push = other.call(PUSH, P, context=RUN)
        assert code_of(push) == "confirmation_required"
        assert sends(sandbox) == 1
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"ada@example.com" not in stored


def test_a_long_list_is_an_audience_and_no_people(
    sandbox: Sandbox, tool: CustomerIoTool, now: Now
) -> None:
    many = {**LISTED, "customer_ids": [f"u{number}" for number in range(101)]}
    lose(sandbox, tool, BROADCAST, many)
    now.seconds += 30
    assert code_of(tool.call(BROADCAST, LISTED, context=RUN)) == "confirmation_required"
    assert code_of(tool.call(BROADCAST, TO_ALL, context=RUN)) == "confirmation_required"
    assert tool.call(MAIL, E, context=RUN)["ok"]
    assert sends(sandbox) == 2
