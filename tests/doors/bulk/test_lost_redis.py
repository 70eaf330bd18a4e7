"""A Redis that forgets, refuses, or holds other things: a clear end, and nothing is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from customerio_tool.bulk import Hooks, Input, JobUnknown, JournalLost, joined, run
from customerio_tool.doors.bulk.preparing import prepared
from customerio_tool.doors.bulk.streams import StreamJob
from customerio_tool.sandbox import Sandbox
from tests.support.bulk import applied_events, events, quick, rows_in, written
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires
from tests.support.shell import environment, invoke

pytestmark = requires("redis-server")
META = "customerio:bulk:{%s}:meta"


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Any]:
    with redis.Redis.from_url(redis_server.url) as made:
        yield made


def source_of(tmp_path: Path, count: int) -> Input:
    path = written(tmp_path / "events.jsonl", events(count, bad=[2]))
    return Input.of(path, "track_event")


def test_rejects_on_the_disk_outlive_a_redis_that_forgot(
    sandbox: Sandbox, tmp_path: Path, redis_server: RedisServer
) -> None:
    source, url = source_of(tmp_path, 60), redis_server.patient_url
    with quick(sandbox) as tool:
        with prepared(tool, "track_event", source, redis_url=url) as begun:
            summary = begun.run(Hooks(on_outcome=lambda _: begun.stop()))
        assert (summary.ending, rows_in(summary, "rejected")) == ("interrupted", [2])
        with prepared(tool, "track_event", source, redis_url=url) as begun:
            redis_server.empty()
            with pytest.raises(JournalLost, match="no longer has the job"):
                begun.run()
    assert rows_in(summary, "rejected") == [2]


def test_a_redis_that_refuses_to_write_is_told_and_the_job_goes_on_later(
    sandbox: Sandbox, tmp_path: Path, redis_server: RedisServer, client: Any
) -> None:
    source, url = source_of(tmp_path, 60), redis_server.patient_url
    refuse = Hooks(on_outcome=lambda _: client.config_set("min-replicas-to-write", 1))
    with quick(sandbox) as tool:
        try:
            with pytest.raises(JournalLost, match="too few of its replicas"):
                run(tool, "track_event", source, redis_url=url, hooks=refuse)
        finally:
            client.config_set("min-replicas-to-write", 0)
        assert run(tool, "track_event", source, redis_url=url).counts.done == 59
    assert set(applied_events(sandbox).values()) == {1}


def test_rows_whose_delivery_was_lost_on_its_way_are_delivered_again(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(StreamJob(redis_server.patient_url, "lost")) as stream:
        stream.begin("track_event", 3)
        stream.live()
        stream.feed(0, 3, [json.dumps({"n": n}) for n in (1, 2, 3)], is_last=True)
        asked = stream._redis.xreadgroup

        def lose_the_reply(*given: Any, **more: Any) -> Any:
            monkeypatch.setattr(stream._redis, "xreadgroup", asked)
            asked(*given, **more)
            raise redis.ConnectionError

        monkeypatch.setattr(stream._redis, "xreadgroup", lose_the_reply)
        first = stream.deliver(2, is_idle=True)
        stream._claimed_at = 0.0  # a second later
        again = stream.deliver(9, is_idle=True)
        assert sorted(json.loads(each.text)["n"] for each in [*first, *again]) == [1, 2, 3]
        assert all(each.is_repeat for each in again if each not in first)
        stream._claimed_at = 0.0
        assert stream.deliver(9, is_idle=True) == []


def test_what_else_is_under_the_names_of_jobs_hides_none(
    client: Any, redis_server: RedisServer
) -> None:
    url = redis_server.patient_url
    with closing(StreamJob(url, "good")) as stream:
        stream.begin("track_event", 1)
        stream.feed(0, 1, ["no row"], is_last=True)
    client.set(META % "text", "x")
    client.hset(META % "half", "cancelled", 1)
    shown = invoke("bulk", "status", "--redis", url)
    assert (shown.exit_code, shown.stdout.count("\n")) == (0, 1), shown.output
    half = invoke("bulk", "cancel", "half", "--redis", url)
    assert (half.exit_code, "as the job half is none" in half.stderr) == (1, True)


def test_an_id_that_no_job_has_is_told_with_where_the_ids_are(
    client: Any, redis_server: RedisServer, sandbox: Sandbox
) -> None:
    url = redis_server.patient_url
    with closing(StreamJob(url, "good")) as stream:
        stream.begin("track_event", 1)
    for command in ("cancel", "join"):
        mistyped = ("bulk", command, "goood", "--redis", url)
        told = invoke(*mistyped, env=environment(sandbox.connection()))
        assert told.exit_code == 2
        assert "This Redis has no job goood" in told.stderr
        assert "--new" not in told.stderr
        (advised,) = re.findall(r"`customerio-tool (.*) URL`", told.stderr)
        assert "good  track_event" in invoke(*advised.split(), url).stdout
    assert client.exists(META % "goood") == 0
    with quick(sandbox) as tool, pytest.raises(JobUnknown), joined(tool, "goood", url):
        pass


def test_an_entry_that_is_no_row_stops_the_job(
    client: Any, sandbox: Sandbox, tmp_path: Path, redis_server: RedisServer
) -> None:
    source, url = source_of(tmp_path, 3), redis_server.patient_url
    with quick(sandbox) as tool, prepared(tool, "track_event", source, redis_url=url) as begun:
        client.xadd(f"customerio:bulk:{{{begun.job.id}}}:rows", {"x": "y"})
        with pytest.raises(JournalLost, match="an entry that is no row"):
            begun.run()
