"""What every store of waiting calls promises, in memory, in a file and in Redis."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from customerio_tool.backends.approvals.waiting import (
    LIFE_SECONDS,
    OVERHEAD_BYTES,
    Approvals,
    Waiting,
)
from tests.support.approval_stores import NOW, WAITING, like

W = "workspace"
ID = re.compile(r"[1-9][0-9]*-[0-9a-f]{16}")
ODD = ["", "1", "-", "1-0", "0-0000000000000000", "9" * 40 + "-" + "0" * 16, "\ud800", "a\0b"]


def keep(approvals: Approvals, waiting: Waiting = WAITING, workspace: str = W) -> str:
    return approvals.keep(workspace, waiting, NOW, os.urandom)


def test_what_is_kept_is_found_whole_and_taken_once(approvals: Approvals) -> None:
    kept = keep(approvals)
    assert approvals.find(W, kept, NOW) == WAITING
    assert approvals.find(W, kept, NOW) == WAITING, "to find is not to take"
    assert approvals.take(W, kept, NOW) == WAITING
    assert approvals.take(W, kept, NOW) is None
    assert approvals.find(W, kept, NOW) is None
    assert approvals.waiting(W, NOW) == {}


@pytest.mark.parametrize("content", [b"", bytes(range(256)), os.urandom(300_000)], ids=len)
def test_any_content_comes_back_as_it_was(approvals: Approvals, content: bytes) -> None:
    waiting = like("k", content=content)
    assert approvals.take(W, keep(approvals, waiting), NOW) == waiting


def test_an_id_is_a_new_number_and_random_digits(approvals: Approvals) -> None:
    asked: list[int] = []

    def entropy(count: int) -> bytes:
        asked.append(count)
        return bytes(range(count))

    ids = []
    for number in range(5):
        ids.append(approvals.keep(W, like(f"k{number}"), NOW, entropy))
        approvals.take(W, ids[-1], NOW)
    assert all(ID.fullmatch(each) for each in ids)
    assert {each.partition("-")[2] for each in ids} == {"0001020304050607"}
    assert len(set(ids)) == 5, "a number is given once, also after its call was taken"
    assert set(asked) == {8}


def test_equal_calls_that_wait_are_one(approvals: Approvals) -> None:
    first = keep(approvals)
    assert keep(approvals) == first
    assert keep(approvals, like("other")) != first
    assert keep(approvals, workspace="another") != first
    approvals.take(W, first, NOW)
    assert keep(approvals) != first, "it was decided, so it is asked anew"


def test_each_workspace_sees_its_own_alone(approvals: Approvals) -> None:
    mine, other = keep(approvals), keep(approvals, workspace="another")
    assert approvals.find("another", mine, NOW) is None
    assert approvals.take("another", mine, NOW) is None
    assert list(approvals.waiting(W, NOW)) == [mine]
    assert list(approvals.waiting("another", NOW)) == [other]
    assert approvals.take(W, mine, NOW) == WAITING


def test_what_waits_is_listed_the_oldest_first(approvals: Approvals) -> None:
    ids = [keep(approvals, like(f"k{number}")) for number in range(12)]
    approvals.take(W, ids.pop(4), NOW)
    listed = approvals.waiting(W, NOW)
    assert list(listed) == ids
    assert [each.key for each in listed.values()][:5] == ["k0", "k1", "k2", "k3", "k5"]


def test_a_call_is_gone_at_its_end(approvals: Approvals) -> None:
    kept = keep(approvals)
    end = NOW + LIFE_SECONDS
    assert approvals.find(W, kept, end - 0.01) == WAITING
    assert approvals.find(W, kept, end) is None
    assert approvals.waiting(W, end) == {}
    assert approvals.take(W, kept, end) is None
    again = approvals.keep(W, like(WAITING.key, ends_at=end + 600), end, os.urandom)
    assert again != kept


@pytest.mark.parametrize("odd", ODD)
def test_an_id_that_nobody_gave_finds_nothing(approvals: Approvals, odd: str) -> None:
    kept = keep(approvals)
    forged = kept[:-1] + ("0" if kept[-1] != "0" else "1")
    for each in (odd, forged, f"0{kept}", f" {kept}", f"{kept}\n", kept.replace("-", ".0-")):
        assert approvals.find(W, each, NOW) is None
        assert approvals.take(W, each, NOW) is None
    assert approvals.find(W, kept, NOW)


# Room


ROOM = 10 * (OVERHEAD_BYTES + 100)


def filled(approvals: Approvals, run: str, count: int, size: int = 100, **more: Any) -> list[str]:
    made = (like(f"{run}{n}", run=run, content=bytes(size)) for n in range(count))
    return [keep(approvals, waiting, **more) for waiting in made]


def living(approvals: Approvals, ids: list[str], workspace: str = W) -> list[str]:
    return [each for each in ids if approvals.find(workspace, each, NOW)]


def test_the_run_whose_calls_take_most_loses_its_oldest(
    approvals_with: Callable[[int], Approvals],
) -> None:
    approvals = approvals_with(ROOM)
    small, large = filled(approvals, "small", 2), filled(approvals, "large", 20)
    assert living(approvals, small) == small
    assert living(approvals, large) == large[-8:]
    kept = sum(each.size for each in approvals.waiting(W, NOW).values())
    assert kept <= ROOM


def test_no_workspace_crowds_out_another(approvals_with: Callable[[int], Approvals]) -> None:
    approvals = approvals_with(ROOM)
    others = filled(approvals, "run", 1, workspace="another")
    filled(approvals, "run", 20)
    assert living(approvals, others, "another") == others


def test_calls_count_by_their_size(approvals_with: Callable[[int], Approvals]) -> None:
    approvals = approvals_with(ROOM)
    many, few = filled(approvals, "many", 5), filled(approvals, "few", 3, size=3000)
    assert living(approvals, many) == many
    assert living(approvals, few) == few[-1:]


def test_the_newest_call_stays_however_large_it_is(
    approvals_with: Callable[[int], Approvals],
) -> None:
    approvals = approvals_with(ROOM)
    before = filled(approvals, "run", 3)
    (large,) = filled(approvals, "large", 1, size=ROOM)
    assert approvals.find(W, large, NOW)
    assert living(approvals, before) == before
    (after,) = filled(approvals, "after", 1)
    assert approvals.find(W, after, NOW)
    assert not approvals.find(W, large, NOW)


def test_what_was_taken_or_is_over_takes_no_room(
    approvals_with: Callable[[int], Approvals],
) -> None:
    approvals = approvals_with(ROOM)
    for each in filled(approvals, "taken", 9):
        approvals.take(W, each, NOW)
    filled(approvals, "over", 9)
    end = NOW + LIFE_SECONDS
    late = [like(f"late{n}", content=bytes(100), ends_at=end + 600) for n in range(10)]
    ids = [approvals.keep(W, each, end, os.urandom) for each in late]
    assert list(approvals.waiting(W, end)) == ids


def test_what_a_run_had_taken_does_not_count_against_it(
    approvals_with: Callable[[int], Approvals],
) -> None:
    approvals = approvals_with(ROOM)
    for each in filled(approvals, "one", 9):
        approvals.take(W, each, NOW)
    large, small = filled(approvals, "large", 8), filled(approvals, "one", 2)
    (last,) = filled(approvals, "last", 1)
    assert living(approvals, [*large, *small, last]) == [*large[1:], *small, last]


# Races


def test_of_racing_threads_one_takes_a_call(approvals: Approvals) -> None:
    for number in range(20):
        kept, barrier = keep(approvals, like(f"k{number}")), threading.Barrier(4)

        def take(_: int, kept: str = kept, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            return approvals.take(W, kept, NOW) is not None

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(take, range(4))) == 1


def test_racing_threads_that_ask_alike_get_one_id(approvals: Approvals) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda n: keep(approvals, like(f"k{n % 4}")), range(32)))
    assert len(set(ids)) == 4
    assert len(approvals.waiting(W, NOW)) == 4
