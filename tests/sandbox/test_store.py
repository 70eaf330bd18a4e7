"""One file, many that open it: what is kept stays whole, and what is no workspace is named."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from customerio_tool.sandbox import Clock, Sandbox
from customerio_tool.sandbox.store.store import Store
from tests.support.sandbox_api import NOW, Api
from tests.support.timeouts import PATIENCE

AT_ONCE = 6
FILES = 100


def test_sandboxes_that_open_a_new_file_at_once_fill_it_once(tmp_path: Path) -> None:
    with Sandbox() as alone:
        demo = [person["id"] for person in alone.state()["people"]]
    together = Barrier(AT_ONCE)

    def people(_: int) -> list[str]:
        together.wait(PATIENCE)
        with Sandbox(db=tmp_path / "kept.db") as sandbox:
            return [person["id"] for person in sandbox.state()["people"]]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(people, range(AT_ONCE))) == [demo] * AT_ONCE


def test_a_new_file_that_many_open_at_once_opens_for_each_of_them(tmp_path: Path) -> None:
    together = Barrier(AT_ONCE)

    def rounds(_: int) -> int:
        for number in range(FILES):
            together.wait(PATIENCE)
            Store(tmp_path / f"{number}.db").close()
        return FILES

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(rounds, range(AT_ONCE))) == [FILES] * AT_ONCE


def test_sandboxes_on_one_file_see_each_others_writes(tmp_path: Path) -> None:
    file, clock = tmp_path / "kept.db", Clock(frozen_at=NOW)
    with Sandbox(db=file, clock=clock) as one, Sandbox(db=file, clock=clock) as other:
        for number in range(5):
            Api(one).identify(f"one{number}")
            Api(other).identify(f"other{number}")
        assert one.state() == other.state()
        assert Api(one).known("other4")


@pytest.mark.parametrize("place", ["notes.txt", "absent/kept.db", "."])
def test_a_file_that_holds_no_workspace_is_named_and_left_alone(tmp_path: Path, place: str) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not a database, but somebody's notes\n" * 200)
    before = notes.read_text()
    with pytest.raises(ValueError, match="db cannot keep a workspace") as caught:
        Sandbox(db=tmp_path / place).start()
    assert str(tmp_path / place) in str(caught.value)
    assert notes.read_text() == before


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as theirs:
        theirs.execute("CREATE TABLE people (name)")
        with pytest.raises(ValueError, match=r"theirs\.db is another program's database"):
            Sandbox(db=tmp_path / "theirs.db").start()
        tables = theirs.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("people",)]
