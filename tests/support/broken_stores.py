"""Knows how to call a tool on a store that is broken, and what else may listen on Redis's port."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from tests.support.clients import EMAIL

RUN = CallContext(run_id="monday")
EVENT = {"customer_id": "u1", "name": "paid"}


def tool_on(sandbox: Sandbox, policy: Any = None, **backends: Any) -> CustomerIoTool:
    return CustomerIoTool(
        sandbox.connection(),
        policy=policy,
        backends=Backends(**backends),
        clock=Clock(now=sandbox.clock.now),
    )


def send(sandbox: Sandbox, **backends: Any) -> dict[str, Any]:
    with tool_on(sandbox, **backends) as tool:
        return tool.call("send_transactional_email", EMAIL, context=RUN)


def posts(sandbox: Sandbox) -> int:
    return len([each for each in sandbox.requests() if each["method"] == "POST"])


@contextmanager
def speaker(reply: bytes | None) -> Iterator[str]:
    """Yield the URL of a server that sends the same bytes after all that it reads."""
    done = threading.Event()

    def meet(peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            while peer.recv(65_536):
                if reply is not None:
                    peer.sendall(reply)

    def serve() -> None:
        with contextlib.suppress(OSError):  # the listener may be closed before `accept`
            while not done.is_set():
                peer, _ = listener.accept()
                threading.Thread(target=meet, args=[peer], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=serve, daemon=True).start()
        yield f"redis://127.0.0.1:{port}/0?socket_timeout=0.2"
        done.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
