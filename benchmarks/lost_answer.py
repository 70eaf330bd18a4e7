"""Counts the e-mails that one send delivers when its answer is lost, for each client there is.

Run `python -m benchmarks.lost_answer`: each client, as it comes, sends one e-mail to a local
Customer.io which takes it and then loses every answer. It needs npm and
`pip install -e '.[dev]'`, takes two minutes, and writes `benchmarks/results/lost_answer.md`.

It is over TLS, as the real one is: the official Python client repeats nothing over plain http.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import async_customerio  # type: ignore[import-untyped]
import customerio  # type: ignore[import-untyped]

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from tests.official_clients.test_customerio_node import PACKAGE as NODE_PACKAGE
from tests.official_clients.test_customerio_node import VERSION as NODE_VERSION

HERE = Path(__file__).parent
REPORT = HERE / "results" / "lost_answer.md"
NODE_SECONDS = 180
MESSAGE: Mapping[str, Any] = {
    "to": "ada+test@example.com",
    "transactional_message_id": "receipt",
    "identifiers": {"id": "u1"},
}
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "Connection reset": {"action": "reset_after_applying"},
    "502 from a proxy": {"status": 502, "apply": True},
    "No answer": {"action": "no_answer_after_applying"},
}
"""How an answer is lost, as the sandbox's rule; the e-mail is taken each time."""

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
"""Where the clients' libraries look for a certificate authority of ours."""

Send = Callable[[Sandbox], str]
"""Sends the message once with a client and returns what its caller is told, in one word."""


def by_ours(sandbox: Sandbox) -> str:
    """Send with `CustomerIoTool`."""
    arguments = {
        "to": MESSAGE["to"],
        "transactional_message_id": MESSAGE["transactional_message_id"],
        "customer_id": MESSAGE["identifiers"]["id"],
    }
    with CustomerIoTool(sandbox.connection()) as tool:
        result = tool.call("send_transactional_email", arguments)
    return "success" if result["ok"] else str(result["error"]["code"])


def by_customerio(sandbox: Sandbox) -> str:
    """Send with the official Python client."""
    with customerio.APIClient(sandbox.app_api_key, url=sandbox.app_url) as client:
        try:
            client.send_email(customerio.SendEmailRequest(**MESSAGE))
        except Exception as error:  # whatever it is, it is what the caller is told
            return type(error).__name__
    return "success"


def by_async_customerio(sandbox: Sandbox) -> str:
    """Send with the asynchronous Python client."""

    async def send() -> str:
        async with async_customerio.AsyncAPIClient(
            sandbox.app_api_key, url=sandbox.app_url
        ) as client:
            try:
                await client.send_email(async_customerio.SendEmailRequest(**MESSAGE))
            except Exception as error:  # whatever it is, it is what the caller is told
                return type(error).__name__
        return "success"

    return asyncio.run(send())


def by_node(folder: Path) -> Send:
    """Return what sends with the official Node client, which is installed in the folder."""

    def send(sandbox: Sandbox) -> str:
        environment = {
            **os.environ,
            "APP_URL": sandbox.app_url,
            "APP_API_KEY": sandbox.app_api_key,
            "MESSAGE": json.dumps(MESSAGE),
        }
        script = str(HERE / "lost_answer.mjs")
        return _printed(["node", script], folder, environment).strip()

    return send


def _printed(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - our own script and npm, on arguments of our own
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=NODE_SECONDS,
        check=True,
    )
    return done.stdout


@dataclass(frozen=True)
class Loss:
    """What became of one e-mail.

    Args:
        delivered: How many the server delivered.
        told: What the caller was told, in one word.
    """

    delivered: int
    told: str


def lost(send: Send, sandbox: Sandbox, fault: Mapping[str, Any]) -> Loss:
    """Send once while every answer is lost, and count the deliveries on the server."""
    sandbox.reset()
    sandbox.faults.set([{**fault, "operation": "send_email"}])
    before = len(sandbox.state()["deliveries"])
    told = send(sandbox)
    return Loss(len(sandbox.state()["deliveries"]) - before, told)


OURS = "this tool"
PYTHON_CLIENTS: Mapping[str, Send] = {
    OURS: by_ours,
    "customerio": by_customerio,
    "async-customerio": by_async_customerio,
}


def table(losses: Mapping[str, Mapping[str, Loss]]) -> str:
    """Return the table: a row per client, a column per way in which the answer is lost."""
    head = ["Client", *FAULTS, "Result for the caller"]
    rows = [
        [client, *(str(by[fault].delivered) for fault in FAULTS), _told(by)]
        for client, by in losses.items()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _told(by: Mapping[str, Loss]) -> str:
    return ", ".join(f"`{word}`" for word in dict.fromkeys(loss.told for loss in by.values()))


def _named(client: str) -> str:
    return client if client == OURS else f"{client} {version(client)}"


def report(losses: Mapping[str, Mapping[str, Loss]]) -> str:
    """Return the page of the results."""
    return f"""\
# E-mails delivered when the answer is lost

Made by `python -m benchmarks.lost_answer` with Python {platform.python_version()} and
Node {_printed(["node", "--version"], HERE, os.environ).strip()}.

Each client sends one e-mail, with its default settings. The local Customer.io accepts it, and every
answer is lost in one of three ways. The numbers are the deliveries on the server.

{table(losses)}
"""


def main() -> None:
    """Measure all clients and write the page."""
    with tempfile.TemporaryDirectory() as name, Sandbox(tls=True) as sandbox:
        folder = Path(name)
        (folder / "package.json").write_text('{"private":true}')
        package = f"{NODE_PACKAGE}@{NODE_VERSION}"
        _printed(["npm", "install", "--no-audit", "--no-fund", package], folder, os.environ)
        os.environ.update(dict.fromkeys(CA_VARIABLES, str(sandbox.ca_file)))
        clients = {_named(client): send for client, send in PYTHON_CLIENTS.items()}
        clients[f"{NODE_PACKAGE} {NODE_VERSION}"] = by_node(folder)
        losses = {
            client: {name: lost(send, sandbox, fault) for name, fault in FAULTS.items()}
            for client, send in clients.items()
        }
    REPORT.write_text(report(losses), encoding="utf-8")
    sys.stdout.write(f"{table(losses)}\n")


if __name__ == "__main__":
    main()
