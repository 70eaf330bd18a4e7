"""What another program wrote into an entry reaches no result, and doubles no send or event."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends.ledger.entry import Entry, Ledger, State
from customerio_tool.backends.ledger.redis import PREFIX
from customerio_tool.calls.message_keys import DAY, explicit_key
from customerio_tool.connection import Connection
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.broken_stores import EVENT, RUN, posts, tool_on
from tests.support.clients import EMAIL, AnyPace, code_of
from tests.support.ledger_calls import Loseable
from tests.support.ledger_stores import Shared

MAIL = "send_transactional_email"
KEPT = {
    "ok",
    "summary",
    "outcome",
    "first_sent_at",
    "delivery_id",
    "queued_at",
    "send_at",
    "verify",
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    ["ok", "summary", "error", "outcome", "delivery_id", "queued_at", "verify", "look", "ulid"]
)
odd_times = st.sampled_from(
    ["NaN", "Infinity", "-1e999", "null", '"soon"', "[]", "true", "1e300", "1e12", "-7"]
)
texts = st.fixed_dictionaries(
    {},
    optional={
        "facts": json_values.map(json.dumps)
        | st.dictionaries(names | st.text(), json_values, max_size=9).map(json.dumps),
        "state": st.sampled_from(['"sent"', '"unknown"', '"started"', '"done"', "null", "[]"]),
        "started_at": odd_times | st.integers(0, 10**11 - 1).map(str),
        "ends_at": odd_times | st.integers(0, 10**11 - 1).map(str),
        "expires_at": odd_times,
        "fingerprint": st.sampled_from(["null", "7", '""', '"2:other"', '"older"']),
        "ok": json_values.map(json.dumps),
        "claim": json_values.map(json.dumps),
    },
)


class Store:
    """The texts of a store that processes share, as another program sees them."""

    def __init__(self, shared: Shared, ends: ExitStack) -> None:
        self._shared = shared
        if shared.name == "redis":
            self._redis: Any = ends.enter_context(closing(redis.Redis.from_url(shared.place)))
        else:
            self._db = ends.enter_context(closing(sqlite3.connect(shared.place)))

    def read(self) -> dict[str, str]:
        if self._shared.name == "redis":
            keys = self._redis.keys(PREFIX + "*")
            return {key.decode(): self._redis.get(key).decode() for key in keys}
        return dict(self._db.execute("SELECT key, entry FROM sends").fetchall())

    def write(self, texts: dict[str, str]) -> None:
        for key, text in texts.items():
            if self._shared.name == "redis":
                self._redis.set(key, text, px=600_000)
            else:
                with self._db:
                    self._db.execute("UPDATE sends SET entry = ? WHERE key = ?", (text, key))


@pytest.fixture
def opened(sandbox: Sandbox, shared: Shared) -> Iterator[tuple[CustomerIoTool, ExitStack]]:
    with ExitStack() as ends:
        ledger = ends.enter_context(shared.opened())
        tool = tool_on(sandbox, ledger=ledger, limiter=AnyPace())
        yield ends.enter_context(tool), ends


def spoilt(text: str, members: dict[str, str]) -> str:
    entry = {name: json.dumps(value) for name, value in json.loads(text).items()}
    return "{" + ", ".join(f'"{name}": {v}' for name, v in {**entry, **members}.items()) + "}"


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(members=texts)
def test_no_spoilt_entry_forges_a_result_or_sends_again(
    sandbox: Sandbox,
    shared: Shared,
    opened: tuple[CustomerIoTool, ExitStack],
    members: dict[str, str],
) -> None:
    tool, _ = opened
    with ExitStack() as mine:
        tool.call(MAIL, {**EMAIL, "idempotency_key": "k"}, context=RUN)
        store = Store(shared, mine)
        sound = store.read()
        before = posts(sandbox)
        for arguments in (EMAIL, {**EMAIL, "idempotency_key": "k"}):
            store.write({key: spoilt(text, members) for key, text in sound.items()})
            result = tool.call(MAIL, arguments, context=RUN)
            store.write(sound)
            assert_no_lie(result)
        assert posts(sandbox) == before


def assert_no_lie(result: dict[str, Any]) -> None:
    json.dumps(result, ensure_ascii=False, allow_nan=False).encode()
    Draft202012Validator(subtools()[MAIL].definition()["output_schema"]).validate(result)
    if result["ok"]:
        assert result["outcome"] == "already_sent"
        assert result.keys() <= KEPT
        assert result["summary"].startswith("Nothing was sent now: Customer.io accepted")
    else:
        codes = ("ledger_unavailable", "outcome_unknown", "send_in_progress", "arguments_invalid")
        assert code_of(result) in codes
        assert result["summary"].startswith("Nothing was sent") or code_of(result) == codes[3]


@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text() | json_values.map(json.dumps))
def test_no_text_in_place_of_an_entry_sends_again(
    sandbox: Sandbox, shared: Shared, opened: tuple[CustomerIoTool, ExitStack], text: str
) -> None:
    tool, _ = opened
    with ExitStack() as mine:
        tool.call(MAIL, EMAIL, context=RUN)
        store = Store(shared, mine)
        sound = store.read()
        encodable = text.encode(errors="replace").decode().replace("\0", "0")
        store.write(dict.fromkeys(sound, encodable))
        result = tool.call(MAIL, EMAIL, context=RUN)
        store.write(sound)
    assert code_of(result) == "ledger_unavailable"
    assert posts(sandbox) == 1


# An entry of another version


@pytest.mark.parametrize("state", ["started", "sent", "unknown"])
@pytest.mark.parametrize("fingerprint", ["0" * 64, "1:" + "0" * 64, "3:" + "0" * 64, ""])
@pytest.mark.parametrize("best_effort", [False, True])
def test_an_entry_of_another_fingerprint_version_is_neither_this_message_nor_another(
    sandbox: Sandbox, ledger: Ledger, state: State, fingerprint: str, best_effort: bool
) -> None:
    now = sandbox.clock.now()
    workspace = Connection.load(sandbox.connection()).workspace_key
    entry = Entry(state, fingerprint, now - 60, now + 60, now + DAY, {"delivery_id": "d0"})
    ledger.settle(explicit_key(MAIL, workspace, "invoice-17"), entry, now)
    with tool_on(sandbox, ledger=ledger, best_effort=best_effort) as tool:
        result = tool.call(MAIL, {**EMAIL, "idempotency_key": "invoice-17"}, context=RUN)
    assert code_of(result) == "outcome_unknown"
    assert "another version" in result["summary"]
    assert "new key" not in result["summary"]
    assert result["error"]["look"]["subtool"] == "list_messages"
    assert posts(sandbox) == 0


# Events


SPOILT_EVENTS: dict[str, Callable[[str], str]] = {
    "no JSON": lambda _: "hello",
    "facts null": lambda text: json.dumps({**json.loads(text), "facts": None}),
    "no id": lambda text: json.dumps({**json.loads(text), "facts": {}}),
    "wrong id": lambda text: json.dumps({**json.loads(text), "facts": {"ulid": "../x"}}),
    "wrong time": lambda text: json.dumps({**json.loads(text), "started_at": float("nan")}),
    "another subtool": lambda text: json.dumps({**json.loads(text), "fingerprint": "x"}),
    "huge": lambda text: json.dumps({**json.loads(text), "facts": {"x": "y" * 100_000}}),
}


@pytest.mark.parametrize("spoil", SPOILT_EVENTS.values(), ids=SPOILT_EVENTS)
def test_a_spoilt_entry_of_an_event_doubles_none_and_loses_no_other(
    sandbox: Sandbox,
    shared: Shared,
    opened: tuple[CustomerIoTool, ExitStack],
    spoil: Callable[[str], str],
) -> None:
    tool, ends = opened
    sandbox.fault(operation="track", action="reset_after_applying", times=3)
    tool.call("track_event", EVENT, context=RUN)
    store = Store(shared, ends)
    store.write({key: spoil(text) for key, text in store.read().items()})
    assert code_of(tool.call("track_event", EVENT, context=RUN)) == "ledger_unavailable"
    assert tool.call("track_event", {**EVENT, "name": "left"}, context=RUN)["ok"]
    assert tool.call("track_event", EVENT, context=CallContext(run_id="tuesday"))["ok"]
    assert len({each["json"]["id"] for each in sandbox.requests() if each["json"]}) == 3


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_ledger_that_is_lost_after_an_event_doubles_none_in_its_process(
    sandbox: Sandbox, ledger: Ledger, is_kept: bool
) -> None:
    loseable = Loseable(ledger)
    sandbox.fault(operation="track", action="reset_after_applying", times=3)
    with tool_on(sandbox, ledger=loseable, limiter=AnyPace()) as tool:
        loseable.lost = not is_kept
        lost = tool.call("track_event", EVENT, context=RUN)
        loseable.lost = True
        again = tool.call("track_event", EVENT, context=RUN)
        assert again["event_id"] == lost["event_id"]
        assert again["ok"]
        assert tool.call("track_event", EVENT, context=RUN)["event_id"] != lost["event_id"]


def test_an_event_that_another_worker_repeated_is_not_resumed_when_the_ledger_is_lost(
    sandbox: Sandbox, ledger: Ledger
) -> None:
    loseable = Loseable(ledger)
    sandbox.fault(operation="track", action="reset_after_applying", times=3)
    with (
        tool_on(sandbox, ledger=loseable, limiter=AnyPace()) as tool,
        tool_on(sandbox, ledger=ledger, limiter=AnyPace()) as another,
    ):
        first = tool.call("track_event", EVENT, context=RUN)["event_id"]
        assert another.call("track_event", EVENT, context=RUN)["event_id"] == first
        assert tool.call("track_event", EVENT, context=RUN)["event_id"] != first
        loseable.lost = True
        assert tool.call("track_event", EVENT, context=RUN)["event_id"] != first
