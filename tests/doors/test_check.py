"""The command `check`: what is configured, whether it works, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import redis
import responses

from customerio_tool.sandbox import Sandbox
from tests.support.clients import SAVED_US
from tests.support.loopback import nobody_listening
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires
from tests.support.shell import environment, invoke


def found(sandbox: Sandbox, **env: str) -> dict[str, dict[str, str]]:
    told = invoke("check", "--json", env={**environment(sandbox.connection()), **env})
    return {each["part"]: each for each in json.loads(told.stdout)["findings"]}


def test_a_person_reads_one_line_for_each_part() -> None:
    told = invoke("check", "--sandbox")
    lines = [line.strip() for line in told.stdout.splitlines()]
    assert told.exit_code == 0
    assert any(line.startswith("ok Track API: the key is accepted; answered") for line in lines)
    assert any(line.startswith("ok App API: the key is accepted; answered") for line in lines)
    assert {"ok Workspace: number 4001", "ok Region: us"} <= set(lines)


def test_the_variables_are_named_and_no_value_is_shown(sandbox: Sandbox) -> None:
    env = {"CUSTOMERIO_POLICY": "careful", "CUSTOMERIO_SEND_BUDGET": "7313"}
    told = invoke("check", "--json", env={**environment(sandbox.connection()), **env})
    findings = found(sandbox, **env)
    assert "CUSTOMERIO_SITE_ID, CUSTOMERIO_TRACK_API_KEY" in findings["Connection"]["found"]
    assert "CUSTOMERIO_POLICY, CUSTOMERIO_SEND_BUDGET" in findings["Policy"]["found"]
    assert "confirm: human" in findings["Policy"]["found"]
    saved = sandbox.connection()
    for secret in (saved["site_id"], saved["track_api_key"], saved["app_api_key"], "7313"):
        assert secret not in told.output


def test_the_look_ups_are_counted_with_the_subtools(sandbox: Sandbox) -> None:
    on = found(sandbox, CUSTOMERIO_LOOKUPS="true", CUSTOMERIO_SUBTOOLS="get_segment, get_message")
    off = found(sandbox, CUSTOMERIO_SUBTOOLS="get_segment, get_message")
    assert "2 of 33 subtools may run" in on["Policy"]["found"]
    assert "1 of 24 subtools may run" in off["Policy"]["found"]


def test_a_misspelt_variable_is_told_with_the_right_name(sandbox: Sandbox) -> None:
    finding = found(sandbox, CUSTOMERIO_LEDGERFILE="sends.sqlite")["Environment"]
    assert finding["state"] == "warning"
    assert "CUSTOMERIO_LEDGERFILE is set, and nothing reads it" in finding["found"]
    assert "CUSTOMERIO_LEDGER_FILE" in finding["fix"]


@pytest.mark.parametrize(
    "name", ["CUSTOMERIO_MCP_TOKEN", "CUSTOMERIO_TOOL_TOKEN", "CUSTOMERIO_TOOL_URL", "CUSTOMERIO_X"]
)
def test_a_variable_that_another_command_or_program_reads_is_not_called_misspelt(
    sandbox: Sandbox, name: str
) -> None:
    assert "Environment" not in found(sandbox, **{name: "1"})


def test_stores_in_memory_are_told_with_what_to_set(sandbox: Sandbox, tmp_path: Path) -> None:
    before = found(sandbox)
    ledger = {"CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.sqlite")}
    assert before["Ledger"]["state"] == before["Approvals"]["state"] == "warning"
    assert "CUSTOMERIO_LEDGER_FILE" in before["Ledger"]["fix"]
    after = found(sandbox, **ledger)
    assert (after["Ledger"]["state"], after["Approvals"]["state"]) == ("ok", "ok")


def test_each_store_that_fails_is_told_with_what_to_do(sandbox: Sandbox, tmp_path: Path) -> None:
    by_file = found(sandbox, CUSTOMERIO_LEDGER_FILE=str(tmp_path / "nowhere" / "sends.sqlite"))
    for part in ("Ledger", "Approvals"):
        assert by_file[part]["state"] == "failed"
        assert "set CUSTOMERIO_LEDGER_FILE to a file" in by_file[part]["fix"]
    with nobody_listening() as url:
        by_redis = found(sandbox, CUSTOMERIO_REDIS_URL=url.replace("http", "redis"))
    for part in ("Ledger", "Approvals", "Redis"):
        assert by_redis[part]["state"] == "failed"
        assert "CUSTOMERIO_REDIS_URL" in by_redis[part]["fix"]


@requires("redis-server")
def test_a_redis_that_may_forget_what_was_sent_is_a_warning(
    sandbox: Sandbox, redis_server: RedisServer
) -> None:
    env = {"CUSTOMERIO_REDIS_URL": redis_server.patient_url}
    with redis.Redis.from_url(redis_server.patient_url) as client:
        client.config_set("maxmemory-policy", "volatile-lru")
        client.config_set("appendonly", "yes")
        try:
            unlimited = found(sandbox, **env)["Ledger"]
            client.config_set("maxmemory", "100mb")
            limited = found(sandbox, **env)["Ledger"]
            client.config_set("appendonly", "no")
            lossy = found(sandbox, **env)["Ledger"]
            client.config_set("maxmemory-policy", "noeviction")
            forgetful = found(sandbox, **env)["Ledger"]
            client.config_set("appendonly", "yes")
            refusing = found(sandbox, **env)["Ledger"]
        finally:
            client.config_set("maxmemory", "0")
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("appendonly", "no")
    assert (unlimited["state"], refusing["state"]) == ("ok", "ok")
    evicts = "evicts entries when its memory is full (volatile-lru)"
    appends = "appends nothing to a file, so that a crash loses the last sends (no)"
    told = {
        limited["found"]: evicts,
        forgetful["found"]: appends,
        lossy["found"]: f"{evicts} and {appends}",
    }
    assert told == {f"its Redis {each}: a message may go twice": each for each in told.values()}
    assert limited["fix"] == "in that Redis, set maxmemory-policy to noeviction"
    assert forgetful["fix"] == "in that Redis, set appendonly to yes"
    both = "in that Redis, set maxmemory-policy to noeviction and appendonly to yes"
    assert (lossy["state"], lossy["fix"]) == ("warning", both)


@requires("redis-server")
def test_a_redis_that_forbids_to_ask_what_it_may_lose_is_no_problem(
    sandbox: Sandbox, redis_server: RedisServer
) -> None:
    with redis.Redis.from_url(redis_server.patient_url) as client:
        client.config_set("maxmemory-policy", "volatile-lru")
        client.config_set("maxmemory", "100mb")
        client.execute_command(
            *["ACL", "SETUSER", "worker", "on", "nopass", "~*", "&*", "+@all", "-info"]
        )
        url = redis_server.patient_url.replace("redis://", "redis://worker:any@")
        try:
            finding = found(sandbox, CUSTOMERIO_REDIS_URL=url)["Ledger"]
        finally:
            client.execute_command("ACL", "DELUSER", "worker")
            client.config_set("maxmemory", "0")
            client.config_set("maxmemory-policy", "noeviction")
    assert finding["state"] == "ok"


def test_an_api_that_is_not_reached_is_told_with_what_to_look_at() -> None:
    with nobody_listening() as url:
        saved = {**SAVED_US, "track_url": url, "app_url": url}
        told = invoke("check", "--json", env=environment(saved))
    parts = {each["part"]: each for each in json.loads(told.stdout)["findings"]}
    for part in ("Track API", "App API"):
        assert "network" in parts[part]["fix"]


def test_a_key_that_is_refused_is_told_with_what_to_do(sandbox: Sandbox) -> None:
    finding = found(sandbox, CUSTOMERIO_APP_API_KEY="wrong")["App API"]
    assert (finding["state"], finding["fix"]) == ("failed", "")
    assert "copy it again" in finding["found"]


@pytest.mark.parametrize(
    ("date", "state"),
    [("Sun, 23 Nov 2025 12:26:40 GMT", "warning"), ("Sun, 29 Nov 2099 12:26:40 GMT", "warning")],
)
def test_a_clock_that_is_wrong_is_a_warning_and_no_failure(
    net: responses.RequestsMock, date: str, state: str
) -> None:
    account: Any = {"json": {"url": "x", "region": "us", "environment_id": 3}}
    net.get("https://track.customer.io/api/v1/accounts/region", **account, headers={"Date": date})
    net.get("https://api.customer.io/v1/segments", json={"segments": []})
    told = invoke("check", env={**environment(SAVED_US), "COLUMNS": "200"})
    assert told.exit_code == 0, told.output
    assert "!  Clock: this machine's is" in told.stdout
    assert "set it by NTP" in told.stdout


def test_the_region_that_was_found_is_told_with_what_to_set(
    net: responses.RequestsMock,
) -> None:
    account: Any = {"json": {"url": "x", "region": "eu", "environment_id": 3}}
    for host in ("track", "track-eu"):
        net.get(f"https://{host}.customer.io/api/v1/accounts/region", **account)
    net.get("https://api-eu.customer.io/v1/segments", json={"segments": []})
    saved = {k: v for k, v in SAVED_US.items() if k != "region"}
    told = invoke("check", env={**environment(saved), "COLUMNS": "200"})
    assert "set CUSTOMERIO_REGION=eu" in told.stdout


def test_hosts_of_ones_own_need_no_region(sandbox: Sandbox) -> None:
    assert found(sandbox, CUSTOMERIO_REGION="")["Region"]["fix"] == ""


def test_a_misspelt_variable_of_rates_or_threads_is_told(sandbox: Sandbox) -> None:
    for wrong, right in (("RATE", "RATES"), ("THREAD", "THREADS")):
        finding = found(sandbox, **{f"CUSTOMERIO_{wrong}": "1"})["Environment"]
        assert f"CUSTOMERIO_{right}" in finding["fix"]


def test_a_failure_is_json_too_where_json_is_asked_for() -> None:
    told = invoke("check", "--json")
    assert (told.exit_code, json.loads(told.stdout)["error"]["code"]) == (3, "connection_invalid")
    assert "CUSTOMERIO_SITE_ID is missing" in told.stderr


def test_check_names_the_approvals_and_whether_they_work(sandbox: Sandbox, tmp_path: Path) -> None:
    env = {
        **environment(sandbox.connection()),
        "CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.db"),
    }
    assert "ok Approvals: keep the calls that wait" in invoke("check", env=env).stdout
    (tmp_path / "sends.db-approvals").write_text("dear diary " * 1000)
    told = invoke("check", env=env)
    assert told.exit_code == 5
    assert "no Approvals: The calls that wait for a person cannot be kept" in told.stdout
