"""Each refusal of a policy says, in whole sentences, what was refused and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest
import responses

from tests.policy.test_hidden_oracles import BLAST, HIDDEN, IS_SET, MAIL
from tests.support.clients import EMAIL
from tests.support.policies import EVENT, call, tool_with

STRANGERS = {**EMAIL, "to": "eve@evil.example, eva@evil.example"}
CERTAIN = "Nothing was sent: this agent may write only to certain recipients, and "
TELL = "Tell the user; try no other way."
TELLS: dict[str, tuple[dict[str, Any], str, dict[str, Any], str]] = {
    "a stranger": (
        {"allowed_recipients": ["example.com"]},
        MAIL,
        {**EMAIL, "to": "eve@evil.example"},
        CERTAIN + "to is not an allowed recipient.",
    ),
    "two strangers": (
        {"allowed_recipients": ["example.com"]},
        MAIL,
        STRANGERS,
        CERTAIN + "to[0] is not an allowed recipient, and 1 more like it.",
    ),
    "people who are not known": (
        {"allowed_recipients": ["example.com"], "allow_triggers": True},
        BLAST,
        {"broadcast_id": 30, "audience": "default"},
        CERTAIN + "audience may reach people who are not allowed.",
    ),
    "an event that redirects its message": (
        {},
        "track_event",
        {**EVENT, "data": {"recipient": "eve@evil.example"}},
        (
            "Nothing was sent. data.recipient redirects the message that the event triggers, which "
            "this agent may not; ask the user: without it the message goes to the person "
            "of the event."
        ),
    ),
    "a file of people": (
        {"data_files": False},
        BLAST,
        {"broadcast_id": 30, "audience": "file", "data_file_url": "https://x.example/a"},
        (
            "Nothing was sent. data_file_url takes the audience from a file on the web, which this "
            "agent may not; name the people instead, as customer_ids or emails."
        ),
    ),
    "a text that prints what is hidden": (
        {"hidden_attributes": HIDDEN},
        MAIL,
        {**EMAIL, "body": "{{ customer.birthday }}"},
        (
            "Nothing was sent. body reads an attribute that this agent may not see; take it out of "
            "the text."
        ),
    ),
    "a text that may print it": (
        {"hidden_attributes": HIDDEN},
        MAIL,
        {**EMAIL, "body": "{{ customer }}"},
        (
            "Nothing was sent. body may read an attribute that this agent may not see; name each "
            "attribute as customer.<name>, or take it out of the text."
        ),
    ),
    "an audience that depends on it": (
        {"hidden_attributes": HIDDEN},
        BLAST,
        {"broadcast_id": 30, "audience": "filter", "filter": IS_SET},
        (
            "Nothing was sent. filter.attribute.field depends on an attribute that this "
            "agent may not "
            "see; ask the user for an audience that does not depend on it, and do not just "
            "leave the "
            "condition out."
        ),
    ),
    "a write": (
        {"read_only": True},
        MAIL,
        EMAIL,
        f"Nothing was sent. This agent may only read, and {MAIL} writes. {TELL}",
    ),
    "what is not enabled": (
        {"enabled": ["get_campaign"]},
        MAIL,
        EMAIL,
        f"The subtool '{MAIL}' is not enabled for this agent. Nothing was sent. {TELL}",
    ),
    "a send without a budget": (
        {"send_budget": 0},
        MAIL,
        EMAIL,
        f"Nothing was sent. This agent may send nothing: its budget is 0 sends. {TELL}",
    ),
}


@pytest.mark.parametrize("case", TELLS)
def test_a_refusal_says_what_was_refused_and_what_to_do(
    net: responses.RequestsMock, case: str
) -> None:
    policy, subtool, arguments, says = TELLS[case]
    assert call(tool_with(**policy), subtool, arguments)["summary"] == says
    assert len(net.calls) == 0


@pytest.mark.parametrize("case", [case for case in TELLS if CERTAIN in TELLS[case][-1]])
def test_each_recipient_that_is_refused_is_told(net: responses.RequestsMock, case: str) -> None:
    policy, subtool, arguments, says = TELLS[case]
    problems = call(tool_with(**policy), subtool, arguments)["error"]["fields"]
    assert len(problems) == (2 if "1 more" in says else 1)
    for problem in problems:
        assert problem["problem"] in says
        assert problem["fix"] == "write only to recipients that the operator of this agent allows"
    assert len(net.calls) == 0
