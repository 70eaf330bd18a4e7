"""How models are asked, and what counts as their answer."""

from __future__ import annotations

import json

import pytest
import requests
import responses

from evals.chat import ChatModel
from evals.wordings import wording

DEFINITIONS = {name: wording()[name] for name in ("track_event", "get_campaign")}


API = "http://127.0.0.1:8080/v1"
COMPLETIONS = f"{API}/chat/completions"


def called(name: str) -> dict[str, object]:
    return {"tool_calls": [{"function": {"name": name, "arguments": "{}"}}]}


@pytest.mark.parametrize(
    ("message", "choice"),
    [
        (called("get_campaign"), "get_campaign"),
        (called("get_campaigns"), ""),
        ({"content": "I would not know.", "tool_calls": None}, ""),
        ({"content": "track_event"}, ""),
    ],
)
def test_a_chat_model_chooses_by_the_tool_that_it_calls(
    message: dict[str, object], choice: str, net: responses.RequestsMock
) -> None:
    net.post(COMPLETIONS, json={"choices": [{"message": message}]})
    found = ChatModel(f"{API}/", "tiny").rankings(DEFINITIONS, ["What is campaign 7?"])
    asked = json.loads(net.calls[0].request.body or "")
    assert found == [[choice]]
    assert asked["messages"][-1] == {"role": "user", "content": "What is campaign 7?"}
    assert [tool["function"] for tool in asked["tools"]] == [
        {"name": n, "description": d["description"], "parameters": d["input_schema"]}
        for n, d in DEFINITIONS.items()
    ]


def test_an_api_that_fails_is_no_wrong_choice(net: responses.RequestsMock) -> None:
    net.post(COMPLETIONS, status=500)
    with pytest.raises(requests.HTTPError):
        ChatModel(API, "tiny").rankings(DEFINITIONS, ["What is campaign 7?"])
