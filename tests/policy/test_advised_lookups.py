"""Advice names a look-up only where the policy lets that look-up run."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.sandbox import Sandbox
from tests.support.clients import EMAIL
from tests.support.policies import call, tool_with

MAIL, LISTED = "send_transactional_email", "list_transactional_messages"


@pytest.mark.parametrize(
    ("policy", "is_named"),
    [
        ({"lookups": True}, True),
        ({"lookups": True, "enabled": [MAIL, LISTED]}, True),
        ({"lookups": True, "enabled": [MAIL, "list_broadcasts"]}, False),
        ({"lookups": False}, False),
        ({}, False),
    ],
)
def test_a_template_that_is_not_found_is_looked_up_where_that_may_run(
    sandbox: Sandbox, policy: dict[str, Any], is_named: bool
) -> None:
    tool = tool_with(sandbox.connection(), **policy)
    advice = call(tool, MAIL, {**EMAIL, "transactional_message_id": "404"})["summary"]
    assert "transactional_message_id" in advice
    assert (LISTED in advice) is is_named
