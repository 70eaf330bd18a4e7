"""What one server asks about, another process may settle: a second server, or a person's shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest

from customerio_tool.sandbox import Sandbox
from tests.doors.mcp.test_asking import DELETE, YES, answer, asked, code_of
from tests.support.confirming import posts
from tests.support.mcp_doors import ERAS, Era, serving, talk, through_pipe, variables
from tests.support.shell import invoke


@pytest.fixture
def shared(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    """The environment of processes that share one store."""
    return variables(sandbox, CUSTOMERIO_LEDGER_FILE=str(tmp_path / "sends.sqlite"))


def in_shell(env: dict[str, str], *words: str) -> tuple[int, dict[str, Any]]:
    own = {name: value for name, value in env.items() if name.startswith("CUSTOMERIO_")}
    result = invoke("approvals", *words, env=own)
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize("era", ERAS)
def test_what_a_client_cannot_ask_a_person_approves_in_the_shell_and_it_runs_once(
    sandbox: Sandbox, shared: dict[str, str], era: Era
) -> None:
    envelope = talk(through_pipe(shared), era, lambda c: c.call_tool(*DELETE)).structured_content
    assert envelope["error"]["code"] == "confirmation_required"
    assert posts(sandbox) == []

    waiting = envelope["confirmation_id"]
    code, result = in_shell(shared, "approve", waiting, "--yes")
    assert (code, result["ok"]) == (0, True)
    _, again = in_shell(shared, "approve", waiting, "--yes")
    assert again["error"]["code"] == "confirmation_unknown"
    assert len(posts(sandbox)) == 1


def test_a_question_of_one_server_is_answered_at_another(
    sandbox: Sandbox, shared: dict[str, str]
) -> None:
    with serving(shared) as one, serving(shared) as other:
        state = asked(one.url, *DELETE).request_state
        assert answer(other.url, *DELETE, state, confirm=YES).structured_content["ok"] is True
        assert code_of(answer(one.url, *DELETE, state, confirm=YES)) == "confirmation_unknown"
    assert len(posts(sandbox)) == 1


def test_without_a_shared_store_another_server_knows_no_question(
    sandbox: Sandbox, env: dict[str, str]
) -> None:
    with serving(env) as one, serving(env) as other:
        state = asked(one.url, *DELETE).request_state
        elsewhere: types.CallToolResult = answer(other.url, *DELETE, state, confirm=YES)
    assert code_of(elsewhere) == "confirmation_unknown"
    assert posts(sandbox) == []
