"""Files of root certificates: read once, trusted by those who name them, read anew if changed."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.connection import Connection
from customerio_tool.connection.client import Client
from customerio_tool.connection.roots import context_for
from customerio_tool.errors import Unreachable
from customerio_tool.sandbox import Sandbox
from tests.support.clients import SEGMENTS, soon


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files of roots that are read from now on."""
    files: list[str] = []
    load = ssl.SSLContext.load_verify_locations

    def noted(context: ssl.SSLContext, cafile: Any = None, *more: Any, **named: Any) -> None:
        files.append(str(cafile))
        load(context, cafile, *more, **named)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", noted)
    return files


def works(saved: dict[str, str]) -> bool:
    """Whether a new tool reaches the sandbox, on a new connection."""
    with Client(Connection.load(saved)) as client:
        try:
            return client.exchange(SEGMENTS, soon()).status == 200
        except Unreachable:
            return False


def test_a_file_is_read_once_for_all_connections_of_all_clients(read: list[str]) -> None:
    with Sandbox(tls=True) as sandbox:
        saved = sandbox.connection()
        assert all(works(saved) for _ in range(5))
        assert read == [saved["ca_file"]]


def test_no_client_trusts_what_another_one_names() -> None:
    with Sandbox(tls=True) as one, Sandbox(tls=True) as other:
        assert works(one.connection())
        assert works(other.connection())
        assert not works({**one.connection(), "ca_file": other.connection()["ca_file"]})
        assert works(one.connection())


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    """Roots are replaced while workers run."""
    file = tmp_path / "roots.pem"
    with Sandbox(tls=True) as one, Sandbox(tls=True) as other:
        file.write_bytes(Path(one.connection()["ca_file"]).read_bytes())
        assert works({**one.connection(), "ca_file": str(file)})
        file.write_bytes(Path(other.connection()["ca_file"]).read_bytes() + b"\n")
        assert works({**other.connection(), "ca_file": str(file)})
        assert not works({**one.connection(), "ca_file": str(file)})


def test_files_without_certificates_have_no_context(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    assert context_for(str(tmp_path / "empty.pem")) is None
    assert context_for(str(tmp_path / "missing.pem")) is None


def test_few_contexts_are_kept_of_files_that_are_replaced_again_and_again(
    tmp_path: Path, read: list[str]
) -> None:
    with Sandbox(tls=True) as sandbox:
        pem = Path(sandbox.connection()["ca_file"]).read_bytes()
        for number in range(20):
            file = tmp_path / f"{number}.pem"
            file.write_bytes(pem)
            assert context_for(str(file))
        before = len(read)
        assert context_for(str(tmp_path / "19.pem"))
        assert len(read) == before
        assert context_for(str(tmp_path / "0.pem"))
        assert len(read) == before + 1
