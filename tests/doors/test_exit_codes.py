"""How a call or a check ended is told by the exit code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customerio_tool import CustomerIoTool, errors
from customerio_tool.doors.cli.exit_codes import exit_of_call, exit_of_check
from customerio_tool.sandbox import Sandbox

EXITS = {
    "connection_invalid": 3,
    "subtool_unknown": 2,
    "subtool_disabled": 4,
    "arguments_invalid": 2,
    "ledger_unavailable": 5,
    "policy_refused": 4,
    "confirmation_required": 7,
    "confirmation_unknown": 4,
    "credentials_rejected": 3,
    "permission_denied": 3,
    "not_found": 1,
    "request_rejected": 1,
    "rate_limited": 5,
    "service_failed": 5,
    "cancelled": 1,
    "unreachable": 5,
    "outcome_unknown": 6,
    "send_in_progress": 5,
    "reply_unreadable": 5,
    "tool_closed": 1,
    "bulk_stopped": 1,
    "input_invalid": 2,
    "input_changed": 2,
    "journal_lost": 1,
    "job_busy": 5,
    "job_unknown": 2,
}


def _with_code(error: type[errors.CustomerIoError]) -> Iterator[type[errors.CustomerIoError]]:
    if hasattr(error, "code"):
        yield error
    for narrower in error.__subclasses__():
        yield from _with_code(narrower)


@pytest.mark.parametrize(
    "error", list(_with_code(errors.CustomerIoError)), ids=lambda each: str(each.code)
)
def test_every_way_to_fail_has_its_exit_code(error: type[errors.CustomerIoError]) -> None:
    assert exit_of_call(error("It failed.").as_result()) == EXITS[error.code]


def test_a_call_of_a_disabled_subtool_exits_with_4(sandbox: Sandbox) -> None:
    with CustomerIoTool(sandbox.connection()) as tool:
        tool.disable("delete_customer")
        assert exit_of_call(tool.call("delete_customer", {"customer_id": "u1"})) == 4


@pytest.mark.parametrize(
    ("status", "code"), [(401, 3), (403, 3), (200, 3), (429, 5), (500, 5), (None, 5)]
)
def test_a_failed_check_tells_wrong_credentials_from_a_failing_service(
    status: int | None, code: int
) -> None:
    finding = {"ok": False, "problem": "…"} | ({} if status is None else {"http_status": status})
    assert exit_of_check({"ok": False, "track": {"ok": True}, "app": finding}) == code
