"""What a store that processes share promises: races, privacy at rest, spoilt entries, outages."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any

import pytest
import redis

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.approvals.waiting import Approvals, ApprovalsLost
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from tests.support.approval_stores import NOW, WAITING, Shared, entries_of, like, spoil
from tests.support.clients import EMAIL, AnyPace, code_of
from tests.support.confirming import DELETE, posts
from tests.support.workers import ready, said

W = "workspace"
RUN = CallContext(run_id="eve@example.com")


def worker(shared: Shared) -> AbstractContextManager[subprocess.Popen[str]]:
    return ready("tests.support.approval_worker", shared.name, shared.place)


def test_of_two_racing_processes_one_takes_a_call(shared: Shared) -> None:
    with shared.opened() as approvals, worker(shared) as one, worker(shared) as other:
        ids = [approvals.keep(W, like(f"k{n}"), NOW, os.urandom) for n in range(100)]
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write("".join(f"{each}\n" for each in ids))
            process.stdin.flush()
        taken = [int(said(one)) + int(said(other)) for _ in ids]
        assert taken == [1] * len(ids)
        assert approvals.waiting(W, NOW) == {}


def test_another_opening_sees_and_settles_what_one_keeps(shared: Shared) -> None:
    with shared.opened() as approvals, shared.opened() as other:
        assert other.waiting(W, NOW) == {}
        kept = approvals.keep(W, WAITING, NOW, os.urandom)
        assert other.keep(W, WAITING, NOW, os.urandom) == kept
        assert other.find(W, kept, NOW) == WAITING
        assert other.take(W, kept, NOW) == WAITING
        assert approvals.find(W, kept, NOW) is None


# The tools of two workers


def tool_on(sandbox: Sandbox, approvals: Any, policy: Any = "careful", **saved: str) -> Any:
    connection = {**sandbox.connection(), **saved}
    backends = Backends(approvals=approvals, limiter=AnyPace())
    return CustomerIoTool(
        connection, policy=policy, backends=backends, clock=Clock(now=sandbox.clock.now)
    )


@pytest.fixture
def two(sandbox: Sandbox, shared: Shared) -> Iterator[tuple[Any, Any]]:
    """The tools of two workers that share a store."""
    with (
        shared.opened() as first,
        shared.opened() as second,
        tool_on(sandbox, first) as one,
        tool_on(sandbox, second) as other,
    ):
        yield one, other


def test_what_one_worker_asks_for_another_approves_once(
    sandbox: Sandbox, two: tuple[Any, Any]
) -> None:
    one, other = two
    waiting = one.call("send_transactional_email", EMAIL, context=RUN)["confirmation_id"]
    question = other.question(waiting)
    assert '"ada@example.com"' in question.sentence
    assert dict(question.arguments) == EMAIL
    assert other.approve(waiting)["outcome"] == "accepted"
    assert [code_of(each.approve(waiting)) for each in two] == ["confirmation_unknown"] * 2
    assert posts(sandbox) == ["/v1/send/email"]


def test_no_other_waiting_call_passes_for_the_one_that_a_person_saw(
    sandbox: Sandbox, two: tuple[Any, Any], shared: Shared
) -> None:
    one, other = two
    seen = one.call("send_transactional_email", EMAIL, context=RUN)["confirmation_id"]
    stranger = {**EMAIL, "to": "eve@evil.example"}
    unseen = one.call("send_transactional_email", stranger, context=RUN)["confirmation_id"]
    members = ("subtool", "content", "key", "run", "asked_at", "ends_at")
    entry = entries_of(shared)[unseen]
    spoil(shared, seen, **{name: entry[name] for name in members})
    assert other.question(seen).arguments is None
    assert code_of(other.approve(seen)) == "confirmation_unknown"
    assert posts(sandbox) == []
    assert other.approve(unseen)["ok"], "in its own place it can be approved"


def test_what_another_worker_declines_never_runs(sandbox: Sandbox, two: tuple[Any, Any]) -> None:
    one, other = two
    waiting = one.call("delete_customer", DELETE)["confirmation_id"]
    assert code_of(other.decline(waiting)) == "policy_refused"
    assert code_of(one.approve(waiting)) == "confirmation_unknown"
    assert posts(sandbox) == []


def test_the_policy_of_the_worker_that_approves_applies(sandbox: Sandbox, shared: Shared) -> None:
    with (
        shared.opened() as approvals,
        tool_on(sandbox, approvals) as one,
        tool_on(sandbox, approvals, "read_only") as other,
    ):
        waiting = one.call("delete_customer", DELETE)["confirmation_id"]
        assert code_of(other.approve(waiting)) == "policy_refused"
    assert posts(sandbox) == []


def test_nobody_without_the_credentials_approves_and_nothing_is_lost(
    sandbox: Sandbox, shared: Shared
) -> None:
    with (
        shared.opened() as approvals,
        tool_on(sandbox, approvals) as one,
        tool_on(sandbox, approvals, app_api_key="another-key", track_api_key="other") as other,
    ):
        mail = one.call("send_transactional_email", EMAIL)["confirmation_id"]
        erase = one.call("delete_customer", DELETE)["confirmation_id"]
        for each in (mail, erase):
            refused = other.approve(each)
            assert code_of(refused) == "confirmation_unknown"
            assert "asked for with other credentials" in refused["summary"]
            assert code_of(other.decline(each)) == "confirmation_unknown"
            question = other.question(each)
            assert (question.arguments, question.sentence) == (None, refused["summary"])
        assert [each.arguments for each in other.waiting()] == [None, None]
        assert posts(sandbox) == []
        assert one.approve(mail)["ok"]
        assert one.approve(erase)["ok"]


def test_who_has_the_credentials_of_one_api_sees_the_rest_unread(
    sandbox: Sandbox, shared: Shared
) -> None:
    from customerio_tool import Api, Connection

    narrow = Connection.load(sandbox.connection(), apis=[Api.APP])
    with (
        shared.opened() as approvals,
        tool_on(sandbox, approvals) as one,
        CustomerIoTool(narrow, backends=Backends(approvals=approvals)) as other,
    ):
        erase = one.call("delete_customer", DELETE)["confirmation_id"]
        one.call("send_transactional_email", EMAIL)
        assert [bool(each.arguments) for each in other.waiting()] == [False, True]
        assert code_of(other.approve(erase)) == "connection_invalid"
        assert one.approve(erase)["ok"]


def test_nothing_of_a_call_is_readable_at_rest(sandbox: Sandbox, shared: Shared) -> None:
    saved = sandbox.connection()
    with shared.opened() as approvals, tool_on(sandbox, approvals) as tool:
        tool.call("send_transactional_email", EMAIL, context=RUN)
        tool.call("delete_customer", {"customer_id": "eve@example.com"}, context=RUN)
        held = shared.held()
        secrets = [saved[name] for name in ("site_id", "track_api_key", "app_api_key")]
        for text in ("ada@", "eve@", "example.com", *secrets):
            assert text.encode() not in held
        assert b"send_transactional_email" in held, "what is in clear is there to be seen"


def test_what_was_decided_leaves_nothing(sandbox: Sandbox, shared: Shared) -> None:
    with shared.opened() as approvals, tool_on(sandbox, approvals) as tool:
        ids = [
            tool.call("delete_customer", {"customer_id": f"u{number}"})["confirmation_id"]
            for number in range(1, 4)
        ]
        contents = [each["content"] for each in entries_of(shared).values()]
        tool.approve(ids[0])
        tool.decline(ids[1])
        held = shared.held()
        there = [(each.encode() if isinstance(each, str) else each) in held for each in contents]
        assert sorted(there) == [False, False, True]
        tool.decline(ids[2])
        assert b"delete_customer" not in shared.held().replace(b"CREATE TABLE", b"")


# What another program wrote


@pytest.mark.parametrize(
    "members",
    [
        {"subtool": "delete_segment"},
        {"subtool": "no_such_subtool"},
        {"subtool": "\x1b[2J"},
        {"ends_at": NOW + 10**9},
        {"ends_at": float("inf")},
        {"ends_at": -1.0},
        {"asked_at": 0.0},
        {"key": "another"},
        {"content": "AAAA"},
        {"content": ""},
    ],
    ids=repr,
)
def test_a_call_that_was_tampered_with_never_runs(
    sandbox: Sandbox, shared: Shared, members: dict[str, Any]
) -> None:
    if shared.name == "sqlite" and "content" in members:
        members = {"content": members["content"].encode()}
    with shared.opened() as approvals, tool_on(sandbox, approvals) as tool:
        kept = tool.call("delete_customer", DELETE)["confirmation_id"]
        other = tool.call("delete_customer", {"customer_id": "u2"})["confirmation_id"]
        spoil(shared, kept, **members)
        listed = {each.confirmation_id: each for each in tool.waiting()}
        assert listed.keys() - {kept} == {other}
        assert not listed.get(kept) or listed[kept].arguments is None
        assert not tool.approve(kept)["ok"]
        assert posts(sandbox) == []
        again = tool.call("delete_customer", DELETE)
        assert code_of(again) == "confirmation_required"
        assert tool.approve(other)["ok"]


def test_the_content_of_another_call_does_not_pass_for_this_one(
    sandbox: Sandbox, shared: Shared
) -> None:
    with shared.opened() as approvals, tool_on(sandbox, approvals) as tool:
        kept = tool.call("delete_customer", DELETE)["confirmation_id"]
        other = tool.call("delete_customer", {"customer_id": "u2"})["confirmation_id"]
        spoil(shared, kept, content=entries_of(shared)[other]["content"])
        assert code_of(tool.approve(kept)) == "confirmation_unknown"
    assert posts(sandbox) == []


# A store that is lost


def uses(approvals: Approvals) -> list[Callable[[], object]]:
    some = "1-" + "0" * 16
    return [
        lambda: approvals.keep(W, WAITING, NOW, os.urandom),
        lambda: approvals.find(W, some, NOW),
        lambda: approvals.take(W, some, NOW),
        lambda: approvals.waiting(W, NOW),
    ]


def test_a_store_that_cannot_be_reached_is_lost_and_its_text_does_not_say_where(
    shared: Shared, request: pytest.FixtureRequest
) -> None:
    place, where = shared.outside.lost(request)
    with shared.opened(place) as approvals:
        keeps, *reads = uses(approvals)
        for use in [keeps] if shared.name == "sqlite" else [keeps, *reads]:
            with pytest.raises(ApprovalsLost) as caught:
                use()
            assert where not in str(caught.value)


def test_without_the_store_a_call_is_refused_and_told_so(
    sandbox: Sandbox, shared: Shared, request: pytest.FixtureRequest
) -> None:
    place, where = shared.outside.lost(request)
    with shared.opened(place) as approvals, tool_on(sandbox, approvals) as tool:
        refused = tool.call("delete_customer", DELETE)
        assert code_of(refused) == "ledger_unavailable"
        assert "the store of calls that wait for a person cannot be used" in refused["summary"]
        assert where not in json.dumps(refused)
        tested = tool.test_connection()
        assert "calls that wait for a person cannot be kept" in tested["approvals"]["problem"]
        assert where not in json.dumps(tested)
    assert posts(sandbox) == []


def test_the_test_of_a_connection_tries_the_store_and_leaves_no_trace(
    sandbox: Sandbox, shared: Shared
) -> None:
    with shared.opened() as approvals, tool_on(sandbox, approvals) as tool:
        assert tool.test_connection()["approvals"] == {"ok": True}
        assert entries_of(shared) == {}


def test_a_reset_store_gives_no_id_a_second_meaning(shared: Shared) -> None:
    with shared.opened() as approvals:
        before = approvals.keep(W, WAITING, NOW, os.urandom)
        if shared.name == "redis":
            with redis.Redis.from_url(shared.place) as client:
                client.flushall()
        else:
            with closing(sqlite3.connect(shared.place)) as db, db:
                db.execute("DELETE FROM waiting")
                db.execute("DELETE FROM sqlite_sequence")
        after = approvals.keep(W, like("other"), NOW, os.urandom)
        assert after != before
        assert approvals.find(W, before, NOW) is None
