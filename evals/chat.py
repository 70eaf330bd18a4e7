"""An instruct model behind an OpenAI-compatible API on this machine: llama.cpp, Ollama, vLLM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests

from evals.models import Ranking
from evals.wordings import Definitions

SYSTEM = "Call the one tool that does what the user asks for."
SECONDS = 300.0
NOTHING: Ranking = [""]
"""The ranking where the model called no tool, or called one that does not exist."""


class ChatModel:
    """Chooses by calling a tool, as it would for an agent: all definitions are in its prompt."""

    def __init__(self, url: str, name: str) -> None:
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._name = name
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc lie between us and this machine

    def rankings(self, definitions: Definitions, requests: Sequence[str]) -> list[Ranking]:
        """Return the called tool for each request.

        Raises:
            requests.RequestException: The API cannot be reached, or refuses the request.
        """
        tools = [_tool(each) for each in definitions.values()]
        return [self._choice(tools, request) for request in requests]

    def _choice(self, tools: list[dict[str, Any]], request: str) -> Ranking:
        body = {
            "model": self._name,
            "temperature": 0,
            "messages": [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": request},
            ],
            "tools": tools,
            "tool_choice": "required",
        }
        reply = self._session.post(self._url, json=body, timeout=SECONDS)
        reply.raise_for_status()
        calls = reply.json()["choices"][0]["message"].get("tool_calls") or []
        called = calls[0]["function"]["name"] if calls else ""
        return [called] if called in {tool["function"]["name"] for tool in tools} else NOTHING


def _tool(definition: dict[str, Any]) -> dict[str, Any]:
    function = {key: definition[key] for key in ("name", "description")}
    return {"type": "function", "function": {**function, "parameters": definition["input_schema"]}}
