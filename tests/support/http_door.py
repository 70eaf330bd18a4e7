"""Runs `customerio-tool serve` in a process of its own, and calls it over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tests.support.shell import MAIN
from tests.support.timeouts import PATIENCE

TOKEN = "a-token-of-the-tests-0123"


@dataclass(frozen=True)
class Served:
    """A server that answers.

    Args:
        process: Its process.
        ready: What it printed when it was ready.
    """

    process: subprocess.Popen[str]
    ready: dict[str, str]

    def post(
        self, name: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Make a call with the token; a body that is no text is written as JSON."""
        data = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
        own = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        url = f"{self.ready['api']}/{name}"
        return requests.post(url, data, headers={**own, **(headers or {})}, timeout=PATIENCE)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Read a path without the token."""
        return requests.get(f"{self.ready['url']}{path}", headers=headers, timeout=PATIENCE)


@contextmanager
def served(*options: str, env: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Serve at a free port until the block ends."""
    command = [sys.executable, "-c", MAIN, "serve", "--port", "0", "--json", *options]
    own = {k: v for k, v in os.environ.items() if not k.startswith("CUSTOMERIO_")}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**own, "CUSTOMERIO_TOOL_TOKEN": TOKEN, **(env or {})},
    ) as process:
        try:
            assert process.stdout is not None
            yield Served(process, json.loads(process.stdout.readline()))
        finally:
            process.kill()
