"""A whole tool can be made of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
import responses

from customerio_tool import CustomerIoTool
from customerio_tool.errors import ConnectionInvalid
from tests.support.clients import APP_US, EMAIL, SAVED_US
from tests.support.telemetry import ADA, lines_of

ENVIRON = {f"CUSTOMERIO_{key.upper()}": value for key, value in SAVED_US.items()}


def test_a_whole_tool_can_be_made_as_the_environment_says(tmp_path: Path) -> None:
    trail = tmp_path / "audit.jsonl"
    environ = {
        **ENVIRON,
        "CUSTOMERIO_POLICY": "read_only",
        "CUSTOMERIO_DRY_RUN": "true",
        "CUSTOMERIO_LEDGER_FILE": str(trail.with_name("ledger.db")),
        "CUSTOMERIO_AUDIT_FILE": str(trail),
    }
    with CustomerIoTool.from_env(environ) as tool:
        assert tool.call("list_segments", {})["ok"]
        assert tool.call("identify_customer", ADA)["error"]["code"] == "policy_refused"

    assert [line["outcome"] for line in lines_of(trail)] == ["dry_run", "policy_refused"]


def test_the_ledger_of_the_environment_is_that_of_the_tool(
    net: responses.RequestsMock, tmp_path: Path
) -> None:
    net.post(f"{APP_US}/v1/send/email", json={"delivery_id": "d1"})
    ledger = tmp_path / "ledger.db"
    outcomes = []
    for _ in range(2):
        with CustomerIoTool.from_env({**ENVIRON, "CUSTOMERIO_LEDGER_FILE": str(ledger)}) as tool:
            outcomes.append(tool.call("send_transactional_email", EMAIL)["outcome"])

    assert outcomes == ["accepted", "already_sent"]
    assert len(net.calls) == 1


@pytest.mark.parametrize(
    "wrong", [{"CUSTOMERIO_READ_ONLY": "perhaps"}, {"CUSTOMERIO_APP_API_KEY": ""}]
)
def test_a_variable_that_is_wrong_is_named_before_anything_else(
    wrong: dict[str, str], tmp_path: Path
) -> None:
    trail = tmp_path / "audit.jsonl"

    with pytest.raises(ConnectionInvalid) as caught:
        CustomerIoTool.from_env({**ENVIRON, **wrong, "CUSTOMERIO_AUDIT_FILE": str(trail)})

    assert [problem.path for problem in caught.value.fields] == list(wrong)
    assert not trail.exists()
