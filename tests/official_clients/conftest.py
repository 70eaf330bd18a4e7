"""A local Customer.io over TLS, trusted by the clients of this process through its environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customerio_tool.sandbox import Clock, Sandbox
from tests.official_clients.view import NOW, View


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(tls=True, clock=Clock(frozen_at=NOW)) as sandbox:
        yield sandbox


@pytest.fixture
def view(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> View:
    """What became of the calls; every client finds the certificate where its library looks."""
    view = View(running)
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.setenv(name, view.ca_file)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return view
