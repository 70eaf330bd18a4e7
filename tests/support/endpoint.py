"""A chat completions endpoint on loopback, which plays the replies that it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

KEY = "sk-of-the-tests-4711"
MODEL = "a-small-model"

Answer: TypeAlias = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]
"""Answers a request whose body was read."""


def sends(body: Any, status: int = 200, **headers: str) -> Answer:
    """Answer with JSON, or with text as it is."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    return answer


def says(words: str) -> Answer:
    """Answer with words."""
    return sends({"choices": [{"message": {"role": "assistant", "content": words}}]})


def calls(*asked: tuple[str, Mapping[str, Any] | str], words: str | None = None) -> Answer:
    """Answer with calls of tools, each a name and arguments."""
    tool_calls = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": given if isinstance(given, str) else json.dumps(given),
            },
        }
        for number, (name, given) in enumerate(asked)
    ]
    message = {"role": "assistant", "content": words, "tool_calls": tool_calls}
    return sends({"choices": [{"message": message}]})


@dataclass
class PlayedEndpoint:
    """An endpoint that answers each request with the next answer, and the last one for ever.

    Args:
        url: Its address, for OPENAI_BASE_URL.
        answers: What it answers.
        bodies: The requests that came.
        keys: Their `Authorization` headers.
    """

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        """The variables that name it."""
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": KEY, "OPENAI_MODEL": MODEL}

    def told(self) -> list[dict[str, Any]]:
        """Return the messages of the last request, without the first, which is the system's."""
        messages: list[dict[str, Any]] = self.bodies[-1]["messages"]
        return messages[1:]


@contextmanager
def endpoint(*answers: Answer) -> Iterator[PlayedEndpoint]:
    """Serve an endpoint until the block ends."""
    played = PlayedEndpoint(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            played.bodies.append({"path": self.path, **body})
            played.keys.append(self.headers.get("Authorization"))
            answer = played.answers.pop(0) if len(played.answers) > 1 else played.answers[0]
            answer(self, body)

        def log_message(self, *args: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    played.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield played
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
