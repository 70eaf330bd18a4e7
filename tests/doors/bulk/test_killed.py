"""Processes that are killed at any moment: each row is applied once, and every doubt is named.

`FULL=1` in the environment runs the tests at their full size.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from customerio_tool.sandbox import Sandbox
from tests.support.bulk import (
    applied_events,
    applied_mails,
    events,
    lines_of,
    mails,
    written,
)
from tests.support.bulk_jobs import FULL, Jobs, ended
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires

EVENTS, MAILS = (20_000, 2_000) if FULL else (2_000, 150)
KILLS = 3
CHANCE = random.Random(20)  # noqa: S311 - chooses when to kill


def folder_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.bulk")


def left_out(folder: Path, state: str) -> list[dict[str, Any]]:
    return [line for file in folder.glob(f"{state}-*.jsonl") for line in lines_of(file)]


def rejected(folder: Path) -> list[int]:
    return [each["row"] for each in left_out(folder, "rejected")]


def test_events_of_a_job_that_is_killed_three_times_are_applied_once(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    bad = range(50, EVENTS, 100)
    jobs = Jobs(sandbox, "track_event", written(tmp_path / "e.jsonl", events(EVENTS, bad=bad)))
    for _ in range(KILLS):
        jobs.killed_after(CHANCE.randrange(1, EVENTS // 4))
    last = jobs.finished()
    assert (last["done"], last["rejected"]) == (EVENTS - len(bad), len(bad))
    assert rejected(folder_of(jobs.file)) == list(bad)
    assert applied_events(sandbox) == dict.fromkeys({*range(1, EVENTS + 1)} - {*bad}, 1)


def test_no_mail_of_a_job_that_is_killed_goes_twice_and_each_doubt_is_named(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    bad = range(50, MAILS, 100)
    file = written(tmp_path / "m.jsonl", mails(MAILS, bad=bad))
    jobs = Jobs(sandbox, "send_transactional_email", file)
    for _ in range(KILLS):
        jobs.killed_after(CHANCE.randrange(1, MAILS // 4))
    last = jobs.finished()
    unknown = left_out(folder_of(file), "unknown")
    assert last["done"] + last["unknown"] == MAILS - len(bad)
    assert (last["pending"], rejected(folder_of(file))) == (0, list(bad))
    assert len(unknown) == last["unknown"] <= KILLS * 4, "only those in flight at a kill"
    went = applied_mails(sandbox)
    assert set(went.values()) == {1}
    lost = {f"p{n}@example.com" for n in range(1, MAILS + 1) if n not in bad} - set(went)
    assert lost <= {each["arguments"]["to"] for each in unknown}


def test_mails_that_were_refused_with_a_429_are_not_in_doubt_if_the_job_is_killed(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    jobs = Jobs(sandbox, "send_transactional_email", written(tmp_path / "m.jsonl", mails(30)))
    sandbox.fault(operation="send_email", status=429, retry_after=2)
    with jobs.started() as process:
        assert process.stdout
        while "Trying again in" not in process.stdout.readline():
            assert process.poll() is None
        process.kill()
    sandbox.faults.clear()
    last = jobs.finished()
    assert (last["done"], last["unknown"], last["pending"]) == (30, 0, 0)
    assert applied_mails(sandbox) == {f"p{n}@example.com": 1 for n in range(1, 31)}


@requires("redis-server")
def test_two_workers_of_which_one_is_killed_and_a_redis_that_restarts_apply_each_row_once(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    bad = range(50, EVENTS, 100)
    file = written(tmp_path / "e.jsonl", events(EVENTS, bad=bad))
    jobs = Jobs(sandbox, "track_event", file)
    with RedisServer(keeps=True) as redis:
        shared = ("--redis", redis.url)
        with (
            jobs.started(*shared, "--folder", str(tmp_path / "one")) as survivor,
            jobs.started(*shared, "--folder", str(tmp_path / "two")) as victim,
        ):
            jobs.wait_until(lambda: jobs.requests() > EVENTS // 3, victim)
            victim.kill()
            jobs.wait_until(lambda: jobs.requests() > EVENTS // 2, survivor)
            redis.kill()
            redis.start()
            last = ended(survivor)
    assert (last["done"], last["rejected"], last["pending"]) == (EVENTS - len(bad), len(bad), 0)
    assert rejected(tmp_path / "one") == list(bad)
    assert applied_events(sandbox) == dict.fromkeys({*range(1, EVENTS + 1)} - {*bad}, 1)


@requires("redis-server")
def test_mails_of_two_workers_go_once_whoever_is_killed(sandbox: Sandbox, tmp_path: Path) -> None:
    file = written(tmp_path / "m.jsonl", mails(MAILS))
    jobs = Jobs(sandbox, "send_transactional_email", file)
    with RedisServer(keeps=True) as redis:
        shared = ("--redis", redis.url)
        with (
            jobs.started(*shared, "--folder", str(tmp_path / "one")) as survivor,
            jobs.started(*shared, "--folder", str(tmp_path / "two")) as victim,
        ):
            jobs.wait_until(lambda: jobs.requests() > MAILS // 3, victim)
            victim.kill()
            jobs.wait_until(lambda: jobs.requests() > MAILS // 2, survivor)
            redis.kill()
            redis.start()
            last = ended(survivor)
    unknown = {each["arguments"]["to"] for each in left_out(tmp_path / "one", "unknown")}
    went = applied_mails(sandbox)
    assert (last["done"] + last["unknown"], last["pending"]) == (MAILS, 0)
    assert (len(unknown), set(went.values())) == (last["unknown"], {1})
    assert {f"p{n}@example.com" for n in range(1, MAILS + 1)} - set(went) <= unknown
