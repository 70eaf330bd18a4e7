"""The same call stands there for a shell, a program and a host, and runs as it stands."""

from __future__ import annotations

import json
import os
import runpy
import shlex
import subprocess
from pathlib import Path

import pytest

from customerio_tool.doors.workbench import same_call
from tests.support.page_forms import PageForm
from tests.support.shell import environment, invoke
from tests.support.timeouts import PATIENCE
from tests.support.workbench import Bench

ODD = '{"note": "it\'s \\"quoted\\" $HOME `x` \\\\ \u202eö\u202c", "n": [1, 2.5, true, null]}'


@pytest.fixture
def bench(begun_anew: Bench) -> Bench:
    return begun_anew


def forms(bench: Bench, subtool: str, action: str, /, **arguments: str) -> dict[str, str]:
    """Try a call, and return its forms by name, as its page has them."""
    fields = PageForm(bench.get(f"/try/{subtool}"), f"/try/{subtool}").fields
    given = {f"arg.{each}": value for each, value in arguments.items()}
    page = bench.post(f"/try/{subtool}", {**fields, **given, "action": action})
    trial = bench.workspace.trials.newest[0]
    made = same_call.forms_of(trial, bench.workspace.ground.connection)
    shown = {each["id"] for each in page.all("pre") if "id" in each}
    assert {f"as-{each.id}" for each in made} <= shown
    return {each.id: each.text for each in made}


def event(bench: Bench, action: str = "call") -> dict[str, str]:
    given = {"customer_id": "team/42 ö", "timestamp": "2026-11-01T08:00:00Z", "event_id": "e1"}
    return forms(bench, "track_event", action, name="bought", data=ODD, **given)


def curl(bench: Bench, command: str) -> None:
    env = {**os.environ, **environment(bench.local.connection())}
    subprocess.run(
        ["sh", "-c", command], env=env, capture_output=True, timeout=PATIENCE, check=True
    )


def test_the_curl_command_sends_the_very_request(bench: Bench) -> None:
    command = event(bench)["curl"]
    for each in (command, event(bench, "dry_run")["curl"]):
        curl(bench, each)
        first, again = bench.local.requests()[0], bench.local.requests()[-1]
        assert (again["path"], again["json"]) == (first["path"], first["json"])
    assert [each["status"] for each in bench.local.requests()] == [200, 200, 200]
    curl(bench, forms(bench, "list_messages", "call", limit="3", metric="sent")["curl"])
    first, second = bench.local.requests()[-2:]
    assert (first["path"], first["query"]) == (second["path"], second["query"])
    assert second["status"] == 200


def test_the_python_program_and_the_shell_command_make_the_same_call(
    bench: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = event(bench)
    sent = bench.local.requests()[-1]
    variables = environment(bench.local.connection())
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "program.py").write_text(made["python"], encoding="utf-8")
    runpy.run_path(str(tmp_path / "program.py"))
    assert "'ok': True" in capsys.readouterr().out
    program, *words = shlex.split(made["shell"])
    assert program == "customerio-tool"
    assert json.loads(invoke(*words, env=variables).stdout)["ok"]
    for again in bench.local.requests():
        assert (again["path"], again["json"]) == (sent["path"], sent["json"])


def test_the_mcp_request_has_the_arguments_of_the_call(bench: Bench) -> None:
    request = json.loads(event(bench, "dry_run")["mcp"])
    assert request["method"] == "tools/call"
    assert request["params"]["name"] == "track_event"
    assert request["params"]["arguments"]["data"] == json.loads(ODD)


def test_no_form_has_a_key_and_the_variables_name_where_they_go(bench: Bench) -> None:
    made = event(bench)
    variables = same_call.variables_of(bench.workspace.ground.connection)
    keys = [bench.local.track_api_key, bench.local.app_api_key]
    assert not any(key in text for key in keys for text in (*made.values(), variables))
    assert f"export CUSTOMERIO_TRACK_URL={bench.local.track_url}" in variables
    assert "export CUSTOMERIO_TRACK_API_KEY=..." in variables


def test_a_call_that_cannot_be_read_has_no_other_forms(bench: Bench) -> None:
    assert forms(bench, "track_event", "call", customer_id="u1") == {}
