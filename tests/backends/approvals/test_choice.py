"""The environment chooses where calls wait, and what cannot work is refused at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from customerio_tool import Backends, MemoryApprovals, RedisApprovals, SqliteApprovals
from tests.support.approval_stores import NOW, WAITING

REDIS = {"CUSTOMERIO_REDIS_URL": "redis://127.0.0.1:1/0"}


def chosen(environ: dict[str, str]) -> Any:
    return Backends.from_env(environ, shared=Backends()).approvals


def test_without_a_shared_store_calls_wait_in_memory() -> None:
    assert isinstance(chosen({}), MemoryApprovals)


def test_beside_a_ledger_file_calls_wait_in_a_file_of_their_own(tmp_path: Path) -> None:
    store = chosen({"CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.db")})
    assert isinstance(store, SqliteApprovals)
    store.keep("w", WAITING, NOW, bytes)
    store.let_go()
    assert [path.name for path in tmp_path.iterdir()] == ["sends.db-approvals"]


def test_with_a_redis_calls_wait_there() -> None:
    store = chosen(REDIS)
    assert isinstance(store, RedisApprovals)
    assert chosen(REDIS) is store, "a process has one pool of connections to it"


def test_a_ledger_file_has_precedence_over_redis(tmp_path: Path) -> None:
    both = {**REDIS, "CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.db")}
    assert isinstance(chosen(both), SqliteApprovals)


def test_where_nothing_can_be_sealed_calls_wait_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for environ in (REDIS, {"CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.db")}):
        assert isinstance(chosen(environ), MemoryApprovals)


def test_a_shared_store_that_nothing_can_seal_is_refused_with_the_way_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ImportError, match=r"customerio-tool\[approvals\]"):
        Backends(approvals=SqliteApprovals(tmp_path / "calls"))
    Backends(approvals=MemoryApprovals())


class _Half:
    """A store of the host's own that was not finished."""

    keep = find = len


def test_a_store_of_the_hosts_own_that_lacks_something_is_refused_at_once() -> None:
    half: Any = _Half()
    with pytest.raises(TypeError, match="`approvals` lacks is_shared, take, waiting"):
        Backends(approvals=half)
