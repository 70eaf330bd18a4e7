"""A spoilt entry or a store that is something else is a lost ledger: nothing is sent or changed."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import redis

from customerio_tool.backends.ledger.redis import PREFIX, RedisLedger
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from customerio_tool.backends.pacing.redis import RedisLimiter
from customerio_tool.sandbox import Sandbox
from tests.support.broken_stores import EVENT, RUN, posts, send, speaker, tool_on
from tests.support.clients import code_of
from tests.support.ledger_calls import START
from tests.support.ledger_stores import ENTRY
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires


def with_value(name: str, value: str) -> Callable[[str], str]:
    """Return a function that sets one member of an entry to a value in JSON."""

    def spoil(text: str) -> str:
        return json.dumps({**json.loads(text), name: "HERE"}).replace('"HERE"', value)

    return spoil


DEEP = "[" * 100_000 + "]" * 100_000
SPOILT: dict[str, Callable[[str], str]] = {
    **{
        f"{name} {value[:20]}": with_value(name, value)
        for name, values in {
            "facts": ["null", "[]", '"x"', "7", DEEP],
            "started_at": ["NaN", "Infinity", "-Infinity", "1e999", "1e300", "null", "[]", "true"],
            "ends_at": ["NaN", "Infinity", "-1", '"soon"', "1" * 400],
            "expires_at": ["NaN", "Infinity", "-Infinity", "-1e999", "-7", "1e300"],
            "state": ["null", '"done"', "[]", "{}"],
            "fingerprint": ["null", "7", '"of another message"'],
        }.items()
        for value in values
    },
    "no entry": lambda _: "hello",
    "list": lambda _: "[]",
    "null": lambda _: "null",
    "deep": lambda _: DEEP,
    "no facts": lambda _: '{"state": "sent"}',
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sends.db"


def spoil_file(file: Path, spoil: Callable[[str], str]) -> None:
    with closing(sqlite3.connect(file)) as db:
        for key, text in db.execute("SELECT key, entry FROM sends").fetchall():
            db.execute("UPDATE sends SET entry = ? WHERE key = ?", (spoil(text), key))
        db.commit()


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_entry_of_a_file_sends_nothing(
    sandbox: Sandbox, file: Path, spoil: Callable[[str], str]
) -> None:
    send(sandbox, ledger=SqliteLedger(file))
    spoil_file(file, spoil)

    again = send(sandbox, ledger=SqliteLedger(file))

    assert code_of(again) == "ledger_unavailable"
    assert posts(sandbox) == 1


@requires("redis-server")
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_entry_of_redis_sends_nothing(
    sandbox: Sandbox, redis_server: RedisServer, spoil: Callable[[str], str]
) -> None:
    with closing(RedisLedger(redis_server.patient_url)) as ledger:
        send(sandbox, ledger=ledger)
        with redis.Redis.from_url(redis_server.patient_url) as client:
            for key in client.keys(PREFIX + "*"):
                client.set(key, spoil(client.get(key).decode()), px=600_000)
        again = send(sandbox, ledger=ledger)

    assert code_of(again) == "ledger_unavailable"
    assert posts(sandbox) == 1


def test_members_that_were_added_to_an_entry_reach_no_result(sandbox: Sandbox, file: Path) -> None:
    first = send(sandbox, ledger=SqliteLedger(file))
    forged = {"ok": False, "summary": "x", "outcome": "done", "error": {}, "verify": 1, "note": "x"}
    forged |= {"delivery_id": ["x"], "queued_at": True, "send_at": "a\u202eb"}
    spoil_file(file, with_value("facts", json.dumps(forged)))

    again = send(sandbox, ledger=SqliteLedger(file))

    assert again["ok"]
    assert again["outcome"] == "already_sent"
    assert again["summary"].startswith("Nothing was sent now")
    assert again.keys() == {"ok", "summary", "outcome", "first_sent_at", "send_at", "verify"}
    assert again["send_at"] == "ab"
    assert again["verify"]["subtool"] == first["verify"]["subtool"]


@pytest.mark.parametrize("ulid", ['"../x"', "null", "7", '"01"'])
def test_a_spoilt_id_of_an_event_records_nothing_twice(
    sandbox: Sandbox, file: Path, ulid: str
) -> None:
    sandbox.fault(operation="track", action="reset_after_applying", times=3)
    with tool_on(sandbox, ledger=SqliteLedger(file)) as tool:
        tool.call("track_event", EVENT, context=RUN)
        spoil_file(file, with_value("facts", f'{{"ulid": {ulid}}}'))
        again = tool.call("track_event", EVENT, context=RUN)
        other = tool.call("track_event", {**EVENT, "name": "left"}, context=RUN)

    assert code_of(again) == "ledger_unavailable"
    assert other["ok"]
    assert len({each["json"]["id"] for each in sandbox.requests() if each["json"]}) == 2


# Something else on the port of Redis


STRANGERS: dict[str, bytes | None] = {
    "http": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "silent": None,
    "ok": b"+OK\r\n",
    "nil": b"$-1\r\n",
    "null": b"_\r\n",
    "number": b":1\r\n",
    "no number": b":x\r\n",
    "no length": b"$x\r\n\r\n",
    "no count": b"*x\r\n",
    "empty list": b"*0\r\n",
    "list": b"*2\r\n:1\r\n:2\r\n",
    "deep": b"*1\r\n" * 5000 + b":1\r\n",
    "no utf-8": b"+\xff\xfe\r\n",
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "read-only": b"-READONLY You can't write against a read only replica.\r\n",
    "out of memory": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "moved": b"-MOVED 866 127.0.0.1:1\r\n",
    "two texts": b"*2\r\n$1\r\nx\r\n$-1\r\n",
    "a slot of texts": b"*5\r\n:1\r\n:0\r\n:0\r\n$1\r\nx\r\n$1\r\ny\r\n",
    "a slot far away": b"*5\r\n:1\r\n:9000000000000000000\r\n:0\r\n:1\r\n$1\r\ny\r\n",
    "a slot in lists": b"*5\r\n*1\r\n:1\r\n:0\r\n:0\r\n:1\r\n$1\r\ny\r\n",
    "noauth": b"-NOAUTH Authentication required.\r\n",
    "wrongtype": b"-WRONGTYPE Operation against a key\r\n",
    "map": b"%1\r\n*0\r\n:1\r\n",
}


@pytest.mark.parametrize("reply", STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_on_the_port_of_redis_sends_nothing(
    sandbox: Sandbox, reply: bytes | None
) -> None:
    with speaker(reply) as url, closing(RedisLedger(url)) as ledger:
        assert code_of(send(sandbox, ledger=ledger)) == "ledger_unavailable"
    assert posts(sandbox) == 0


@pytest.mark.parametrize("reply", STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_on_the_port_of_redis_fails_no_call_that_it_paces(
    sandbox: Sandbox, reply: bytes | None
) -> None:
    with speaker(reply) as url:
        assert send(sandbox, limiter=RedisLimiter(url))["ok"]


@requires("redis-server")
def test_a_redis_that_needs_a_password_sends_nothing(
    sandbox: Sandbox, redis_server: RedisServer
) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.config_set("requirepass", "hunter2")
        try:
            with closing(RedisLedger(redis_server.url)) as ledger:
                assert code_of(send(sandbox, ledger=ledger)) == "ledger_unavailable"
        finally:
            client.config_set("requirepass", "")


# A file of another program


def foreign(*statements: str) -> Callable[[Path], None]:
    def make(file: Path) -> None:
        with closing(sqlite3.connect(file)) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()

    return make


def write_text(file: Path) -> None:
    file.write_text("dear diary" * 100)


FOREIGN: dict[str, Callable[[Path], None]] = {
    "other table": foreign("CREATE TABLE people (id)"),
    "sends of another schema": foreign("CREATE TABLE sends (key, value)"),
    "sends with our columns": foreign("CREATE TABLE sends (key TEXT, expires_at REAL, entry TEXT)"),
    "view": foreign("CREATE VIEW sends AS SELECT 1 AS key, 2 AS expires_at, 3 AS entry"),
    "application_id": foreign("PRAGMA application_id = 7"),
    "user_version": foreign("PRAGMA user_version = 7"),
    "later version": foreign(f"PRAGMA application_id = {0x43494F4C}", "PRAGMA user_version = 99"),
    "text": write_text,
    "write-ahead log": foreign("PRAGMA journal_mode = WAL", "CREATE TABLE people (id)"),
    "directory": lambda file: file.mkdir(),
    "pipe": os.mkfifo,
    "device": lambda file: file.symlink_to("/dev/null"),
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_another_program_sends_nothing_and_stays_as_it_is(
    sandbox: Sandbox, file: Path, make: Callable[[Path], None]
) -> None:
    make(file)
    before = file.read_bytes() if file.is_file() else b""

    ledger = SqliteLedger(file)
    assert code_of(send(sandbox, ledger=ledger)) == "ledger_unavailable"
    with tool_on(sandbox, ledger=ledger) as tool:
        assert tool.call("track_event", EVENT, context=RUN)["ok"]

    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert (file.read_bytes() if file.is_file() else b"") == before
    assert posts(sandbox) == 1  # the event


def test_a_ledger_that_no_mark_names_is_used_on_and_marked(file: Path) -> None:
    SqliteLedger(file).claim("k", ENTRY, START)
    foreign("PRAGMA application_id = 0", "PRAGMA user_version = 0")(file)

    assert SqliteLedger(file).claim("k", ENTRY, START) == ENTRY
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA application_id").fetchone() != (0,)


@pytest.mark.parametrize("name", [":memory:", "file:x?mode=memory"])
def test_no_name_of_a_file_means_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    SqliteLedger(name).claim("k", ENTRY, START)
    assert SqliteLedger(name).claim("k", ENTRY, START) == ENTRY


@pytest.mark.parametrize("name", ["", ".", "a\0b", "a" * 300, "\ud800"])
def test_a_path_that_is_no_files_sends_nothing(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    ledger = SqliteLedger(f"{tmp_path}/{name}")
    assert code_of(send(sandbox, ledger=ledger)) == "ledger_unavailable"
    with tool_on(sandbox, ledger=ledger) as tool:
        assert tool.call("track_event", EVENT, context=RUN)["ok"]
