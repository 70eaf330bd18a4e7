"""The command `bulk`: what a person and a program see, and how it ends."""

from __future__ import annotations

import json
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import redis

from customerio_tool.bulk import Input
from customerio_tool.sandbox import Sandbox
from tests.support.bulk import applied_events, applied_mails, events, lines_of, mails, written
from tests.support.bulk_jobs import RATES, Jobs, ended
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires
from tests.support.shell import environment, invoke
from tests.support.terminal import at_terminal


@pytest.fixture
def env(sandbox: Sandbox) -> dict[str, str]:
    return {**environment(sandbox.connection()), **RATES}


def test_it_tells_what_was_done_what_was_not_and_where_to_go_on(
    env: dict[str, str], tmp_path: Path
) -> None:
    file = written(tmp_path / "e.jsonl", events(30, bad=[4]))
    told = invoke("bulk", "track_event", str(file), env=env)
    assert told.exit_code == 1
    first, second = told.stdout.splitlines()
    (rejects,) = file.with_name("e.jsonl.bulk").glob("rejected-*.jsonl")
    assert first.startswith("29 of 30 rows done, 1 rejected (")
    assert second == (f"Rejected: {rejects} says why. Correct a copy of it, and run that.")
    status = invoke("bulk", "status", str(file)).stdout
    assert status.endswith("finished: 29 done, 1 rejected, 0 unknown, 0 pending of 30\n")


def test_a_check_and_a_dry_run_send_nothing(
    sandbox: Sandbox, env: dict[str, str], tmp_path: Path
) -> None:
    file = written(tmp_path / "e.jsonl", events(300, bad=range(1, 13)))
    checked = invoke("bulk", "track_event", str(file), "--check", env=env)
    assert checked.exit_code == 2
    first, *rejects = checked.stdout.splitlines()
    assert first == (
        "288 of 300 rows are valid: 288 calls, at least 0 s by the rate limit. Nothing was sent."
    )
    assert rejects[0].startswith("  row 1: Nothing was sent. customer_id is blank")
    assert (len(rejects), rejects[-1]) == (11, "  and 2 more")
    dry = json.loads(invoke("bulk", "track_event", str(file), "--dry-run", env=env).stdout)
    assert dry[0]["request"]["url"].endswith("/api/v1/customers/p13/events")
    lines = invoke("bulk", "track_event", str(file), "--dry-run", "--json", env=env).stdout
    told = [json.loads(line) for line in lines.splitlines()]
    assert [each["event"] for each in told] == ["request"] * len(dry)
    assert [each["request"]["url"] for each in told] == [each["request"]["url"] for each in dry]
    assert sandbox.requests() == []
    assert not file.with_name("e.jsonl.bulk").exists()


def test_a_check_counts_the_people_of_a_segment_in_calls(
    env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("customer_id\n" + "".join(f"p{n}\n" for n in range(2500)))
    told = invoke(
        "bulk", "add_to_segment", str(file), "--arg", "segment_id=1", "--check", "--json", env=env
    )
    found = json.loads(told.stdout)
    assert (found["event"], found["valid"], found["calls"]) == ("checked", 2500, 3)


def test_columns_are_mapped_and_standard_input_goes_on_too(
    sandbox: Sandbox, env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "E-Mail,Age\nada@example.com,36\nzoe@example.com,41\n"
    maps = ("--map", "E-Mail=customer_id", "--map", "Age=attributes.age:int")
    command = ("bulk", "identify_customer", "-", "--format", "csv", *maps)
    for _ in range(2):
        told = invoke(*command, env=env, stdin=rows)
        assert told.stdout.startswith("2 of 2 rows done (")
    assert len(sandbox.requests()) == 2
    ages = {each["email"]: each["attributes"].get("age") for each in sandbox.state()["people"]}
    assert ages["ada@example.com"] == 36


def test_a_person_agrees_once_to_the_whole_job(
    sandbox: Sandbox, env: dict[str, str], tmp_path: Path
) -> None:
    file = written(tmp_path / "people.jsonl", [{"customer_id": f"p{n}"} for n in range(5)])
    careful = {**env, "CUSTOMERIO_POLICY": "careful"}
    command = ("bulk", "delete_customer", str(file))
    alone = invoke(*command, env=careful)
    assert (alone.exit_code, "Add --yes" in alone.stderr) == (2, True)
    refused = at_terminal(*command, typed="n\n", env=careful)
    assert (refused.exit_code, sandbox.requests()) == (4, [])
    assert "delete_customer on 5 of 5 rows. The first of them:" in refused.text
    assert refused.text.count('"customer_id"') == 3
    agreed = at_terminal(*command, typed="y\n", env=careful)
    assert (agreed.exit_code, "5 of 5 rows done" in agreed.text) == (0, True)


def test_a_program_is_told_events(env: dict[str, str], tmp_path: Path) -> None:
    file = written(tmp_path / "e.jsonl", events(20, bad=[7]))
    told = invoke("bulk", "track_event", str(file), "--json", env=env)
    found = [json.loads(line) for line in told.stdout.splitlines()]
    assert [each["event"] for each in found if each["event"] != "progress"] == [
        *("started", "row", "finished")
    ]
    row, last = found[-2], found[-1]
    assert (row["row"], row["state"], row["code"]) == (7, "rejected", "arguments_invalid")
    assert (last["done"], last["ending"]) == (19, "finished")


def test_ctrl_c_ends_after_the_rows_in_flight_and_says_how_to_go_on(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    file = written(tmp_path / "e.jsonl", events(3000))
    jobs = Jobs(sandbox, "track_event", file)
    with jobs.started() as process:
        jobs.wait_until(lambda: len(sandbox.requests()) > 50, process)
        process.send_signal(signal.SIGINT)
        last = ended(process)
    assert (process.returncode, last["ending"]) == (130, "interrupted")
    assert last["done"] == applied_events(sandbox).total() < 3000


def test_ctrl_c_while_a_file_is_read_is_told_in_one_line(
    env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Input) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Input, "survey", interrupted)
    file = written(tmp_path / "e.jsonl", events(3))
    told = invoke("bulk", "track_event", str(file), env=env)
    said = "Ended by Ctrl-C. Run the same command to go on.\n"
    assert (told.exit_code, told.stdout, told.stderr) == (130, "", said)


def test_a_job_is_cancelled_from_another_process(sandbox: Sandbox, tmp_path: Path) -> None:
    file = written(tmp_path / "e.jsonl", events(6_000))
    jobs = Jobs(sandbox, "track_event", file)
    with jobs.started() as process:
        jobs.wait_until(lambda: len(sandbox.requests()) > 50, process)
        assert invoke("bulk", "cancel", str(file)).exit_code == 0
        last = ended(process)
    assert (process.returncode, last["ending"]) == (4, "cancelled")
    assert "cancelled:" in invoke("bulk", "status", str(file)).stdout


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("list_segments", "{file}"), 2, "only reads"),
        (("track_evnt", "{file}"), 2, "did you mean 'track_event'"),
        (("track_event", "nowhere.jsonl"), 2, "cannot be read: No such file"),
        (("track_event", "{file}", "--map", "x"), 2, "has no ="),
        (("track_event", "{file}", "--redis", "nowhere"), 3, "no address of a Redis server"),
        (("status", "nowhere.jsonl"), 2, "No job was run on"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_wrong_command_says_what_is_right(
    env: dict[str, str], tmp_path: Path, command: tuple[str, ...], code: int, said: str
) -> None:
    file = written(tmp_path / "e.jsonl", events(1))
    told = invoke("bulk", *(each.format(file=file) for each in command), env=env)
    assert (told.exit_code, said in told.stderr) == (code, True), told.output


def test_mails_of_a_copy_of_the_file_elsewhere_do_not_go_again(
    sandbox: Sandbox, env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    file = written(tmp_path / "m.jsonl", mails(5))
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copy(file, tmp_path / "elsewhere" / "copy.jsonl")
    for each in (file, copy):
        for options in (["--check"], []):
            told = invoke("bulk", "send_transactional_email", str(each), *options, env=env)
            assert told.exit_code == 0, told.output
            assert (tmp_path / "settings").exists() or options
        assert told.stdout.startswith("5 of 5 rows done")
    assert applied_mails(sandbox) == {f"p{n}@example.com": 1 for n in range(1, 6)}
    anew = invoke("bulk", "send_transactional_email", str(copy), "--new", env=env)
    assert anew.stdout.startswith("5 of 5 rows done")
    assert applied_mails(sandbox).total() == 10


def test_a_ledger_of_sends_that_cannot_be_made_sends_nothing(
    sandbox: Sandbox, env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings").write_text("no folder")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    file = written(tmp_path / "m.jsonl", mails(1))
    told = invoke("bulk", "send_transactional_email", str(file), env=env)
    assert (told.exit_code, sandbox.requests()) == (1, [])
    (advised,) = re.findall("with (CUSTOMERIO_.*?)[.]", told.stderr)
    named = {**env, advised: str(tmp_path / "mine.sqlite")}
    done = invoke("bulk", "send_transactional_email", str(file), env=named)
    assert done.stdout.startswith("1 of 1 rows done")


@pytest.mark.parametrize("is_named", [False, True])
def test_a_ledger_of_sends_that_cannot_be_written_is_not_waited_for(
    sandbox: Sandbox,
    env: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_named: bool,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    ledger = tmp_path / "customerio-tool" / "bulk-sends.sqlite"
    ledger.mkdir(parents=True)  # no file can be written there, by any user
    file = written(tmp_path / "m.jsonl", mails(1))
    known = {**env, "CUSTOMERIO_LEDGER_FILE": str(ledger)} if is_named else env
    told = invoke("bulk", "send_transactional_email", str(file), "--patience", "0", env=known)
    assert (told.exit_code, sandbox.requests()) == (1, [])
    (advised,) = re.findall("with (CUSTOMERIO_.*?)[.]", told.stderr)
    named = {**env, advised: str(tmp_path / "mine.sqlite")}
    done = invoke("bulk", "send_transactional_email", str(file), env=named)
    assert done.stdout.startswith("1 of 1 rows done")


@requires("redis-server")
def test_a_worker_joins_without_the_file_and_a_redis_that_forgot_is_not_begun_anew(
    env: dict[str, str], tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox
) -> None:
    url = redis_server.patient_url
    file = written(tmp_path / "e.jsonl", events(40, bad=[3]))
    first = invoke("bulk", "track_event", str(file), "--redis", url, env=env)
    assert first.stdout.startswith("39 of 40 rows done, 1 rejected")
    (rejects,) = (tmp_path / "e.jsonl.bulk").glob("rejected-*.jsonl")
    assert lines_of(rejects)[0]["row"] == 3
    (job,) = json.loads(invoke("bulk", "status", "--redis", url, "--json").stdout)
    assert (job["state"], job["done"], job["pending"]) == ("finished", 39, 0)
    with redis.Redis.from_url(url) as client:
        lives = [client.ttl(key) for key in client.scan_iter("customerio:bulk:*")]
    assert lives
    assert all(0 < seconds <= 7 * 86_400 for seconds in lives), "a stale job expires"
    joined = invoke("bulk", "join", job["job"], "--redis", url, env=env)
    assert joined.stdout.startswith("39 of 40 rows done")
    assert invoke("bulk", "cancel", job["job"], "--redis", url).exit_code == 0
    assert "cancelled:" in invoke("bulk", "status", "--redis", url).stdout
    for more in (["--new"], []):
        anew = invoke("bulk", "track_event", str(file), "--redis", url, *more, env=env)
        assert anew.stdout.startswith("39 of 40 rows done")
    alone = invoke("bulk", "track_event", str(file), env=env)
    assert "give the --redis it was begun with" in alone.stderr
    redis_server.empty()
    forgotten = invoke("bulk", "track_event", str(file), "--redis", url, env=env)
    assert (forgotten.exit_code, "no longer has the job" in forgotten.stderr) == (1, True)
    assert applied_events(sandbox).total() == 2 * 39, "once, and once for --new"


@requires("redis-server")
def test_unknown_sends_of_a_shared_job_go_again_if_a_person_lets_them(
    env: dict[str, str], tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox
) -> None:
    file = written(tmp_path / "m.jsonl", mails(8))
    sandbox.fault(operation="send_email", action="reset_before_applying", nth=2)
    command = ("send_transactional_email", str(file), "--redis", redis_server.patient_url)
    first = invoke("bulk", *command, env=env)
    assert (first.exit_code, "1 unknown" in first.stdout) == (6, True)
    again = invoke("bulk", *command, "--resend-unknown", env=env)
    assert again.stdout.startswith("8 of 8 rows done")


@requires("redis-server")
def test_a_redis_that_is_away_is_told_and_loses_no_row(
    env: dict[str, Any], tmp_path: Path, sandbox: Sandbox
) -> None:
    file = written(tmp_path / "e.jsonl", events(5))
    with RedisServer(keeps=True) as server:
        server.kill()
        command = ("track_event", str(file), "--redis", server.url, "--patience", "0.5")
        lost = invoke("bulk", *command, env=env)
        assert (lost.exit_code, "it refuses connections" in lost.stderr) == (1, True)
        assert sandbox.requests() == []
        server.start()
        assert invoke("bulk", *command, env=env).stdout.startswith("5 of 5 rows done")
