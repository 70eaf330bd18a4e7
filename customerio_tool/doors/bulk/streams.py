"""The rows of a job in a Redis Stream, which workers on many machines share.

Delivery, the list of what is pending and redelivery are Redis's: a consumer group hands a row to
one worker, and what became of it is kept in one step with its acknowledgement. A worker that lives
says so each second. The rows of one that is silent for five go to another.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeVar, cast

from customerio_tool.backends.redis_client import cause_of, redis_client, redis_py
from customerio_tool.doors.bulk import scripts
from customerio_tool.doors.bulk.job import KEPT_SECONDS, JobUnknown, JournalLost
from customerio_tool.doors.bulk.rows import Outcome
from customerio_tool.doors.bulk.scripts import KEPT_MS
from customerio_tool.doors.bulk.work import Counts
from customerio_tool.secret import Secret

PREFIX = "customerio:bulk:"
GROUP = "workers"
HEARTBEAT_SECONDS = 5.0
"""A worker that is silent for so long counts as dead, in seconds."""

BEAT_SECONDS = 1.0
TIMEOUT_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
"""How long a worker waits for a lost Redis, in seconds."""

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 0.25
_NUMBERS = ("total", "fed", "eof", "done", "rejected", "unknown", "agreed")
T = TypeVar("T")


@dataclass(frozen=True)
class Delivered:
    """A row that was handed out.

    Args:
        id: The id of its entry in the stream.
        text: The row, as it was fed.
        is_repeat: Whether it was handed out before, so that it may have been applied.
    """

    id: str
    text: str
    is_repeat: bool = False


class StreamJob:
    """A job in Redis, for one worker; all but the heartbeat is used by one thread.

    Args:
        url: The URL of the Redis server, version 6.2 or later. It must write to disk and evict
            nothing: see `RedisLedger`.
        job: The id of the job.
        patience: How long to wait for a lost Redis, in seconds.

    Raises:
        ImportError: The extra `redis` is not installed.
        ValueError: The URL is not that of a Redis server.
    """

    def __init__(self, url: str, job: str, *, patience: float = PATIENCE_SECONDS) -> None:
        given = Secret[Any](url)
        del url
        self._redis: Any = redis_client(given, timeout=TIMEOUT_SECONDS, repeats=0)
        self._lost = (redis_py().ConnectionError, redis_py().TimeoutError, OSError)
        self.job = job
        self._key = f"{PREFIX}{{{job}}}:"
        names = ("meta", "rows", "rejected", "unknown")
        self._keys = [self._key + name for name in names]
        self._meta, self._rows = self._keys[:2]
        self._patience = patience
        self._consumer = secrets.token_hex(8)
        self._is_over = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True, name="bulk-heart")
        self._claimed_at = 0.0
        self._held: set[str] = set()
        """The entries that were handed out here and are not settled."""

    def begin(self, subtool: str, total: int) -> None:
        """Begin the job, or join it; a job that was cancelled goes on."""
        self._run(scripts.BEGIN, subtool, total, repr(time.time()))

    def live(self) -> None:
        """Say from now on that this worker lives."""
        self._say_alive()
        self._heart.start()

    def close(self) -> None:
        """Hand the rows in flight back, and end."""
        self._is_over.set()
        if self._heart.is_alive():
            self._heart.join()
        with suppress(Exception):  # it expires by itself
            self._redis.delete(self._alive(self._consumer))
        self._redis.close()

    def told(self) -> dict[str, str]:
        """Return what is kept of the job; empty if it is not there."""
        found = self._patiently(lambda: self._redis.hgetall(self._meta))
        return {_text(name): _text(value) for name, value in found.items()}

    def named(self, new: str | None) -> str:
        """Return the id of the job that goes by this one's: `new` from now on, if it is given."""
        key = f"{self._key}job"
        if new is not None:
            self._patiently(lambda: self._redis.set(key, new, px=KEPT_MS))
            return new
        found = self._patiently(lambda: self._redis.get(key))
        return self.job if found is None else _text(found)

    def all_jobs(self) -> list[str]:
        """Return the ids of all jobs in the Redis."""
        pattern = f"{PREFIX}{{*}}:meta"
        keys = self._patiently(
            lambda: [_text(key) for key in self._redis.scan_iter(pattern, _type="hash")]
        )
        return sorted(key[len(PREFIX) + 1 : -len("}:meta")] for key in keys)

    def must_be_there(self) -> dict[str, str]:
        """Return what is kept of the job.

        Raises:
            JournalLost: It is not there, or something else is.
        """
        told = self.told()
        if told and not _is_job(told):
            raise JournalLost(
                f"What this Redis has as the job {self.job} is none, so that the work stopped. "
                "Name the Redis that has the job, and look what else writes to its keys."
            )
        return told or self._gone()

    def must_be_known(self) -> dict[str, str]:
        """Return what is kept of the job, which a person named.

        Raises:
            JobUnknown: It is not there.
            JournalLost: Something else is.
        """
        if not self.told():
            raise JobUnknown(
                f"This Redis has no job {self.job}. `customerio-tool bulk status --redis URL` "
                f"shows the id of each job it has; one is kept for {KEPT_SECONDS / 86_400:.0f} "
                "days after it was last worked on."
            )
        return self.must_be_there()

    def counts(self) -> Counts:
        """Return how many rows there are in each state."""
        told = self.must_be_there()
        return Counts(*(int(told[name]) for name in ("total", "done", "rejected", "unknown")))

    def set(self, name: str, value: str | int) -> None:
        """Keep something of the job, such as that a person agreed."""
        self._run(scripts.SET, name, value)

    def backlog(self) -> int:
        """Return the number of rows that were fed and are not settled."""
        return int(self._patiently(lambda: self._redis.xlen(self._rows)))

    def feed(self, after: int, upto: int, rows: Sequence[str], *, is_last: bool) -> int:
        """Feed rows, unless another worker did it first.

        Args:
            after: The number of the row up to which rows were fed.
            upto: The number of the last one of these.
            rows: The rows.
            is_last: Whether there are no more.

        Returns:
            The number of the row up to which rows are fed now.
        """
        return self._run(scripts.FEED, after, upto, int(is_last), *rows)

    def deliver(self, most: int, *, is_idle: bool) -> list[Delivered]:
        """Return rows for this worker: first those of workers that are dead.

        So are rows of its own that it never got, as the reply of Redis was lost on its way.
        """
        delivered = self._delivered(most, is_idle=is_idle)
        self._held |= {each.id for each in delivered}
        return delivered

    def _delivered(self, most: int, *, is_idle: bool) -> list[Delivered]:
        if time.monotonic() - self._claimed_at > BEAT_SECONDS:
            self._claimed_at = time.monotonic()
            if claimed := self._patiently(lambda: self._claim(most)):
                return claimed
        block = 50 if is_idle else None
        read = self._patiently(
            lambda: self._redis.xreadgroup(
                GROUP, self._consumer, {self._rows: ">"}, count=most, block=block
            )
        )
        return [Delivered(_text(i), _row_in(f)) for _, entries in _pairs(read) for i, f in entries]

    def settle(self, outcomes: Sequence[tuple[str, Outcome]]) -> None:
        """Keep what became of rows and acknowledge them, in one step.

        Args:
            outcomes: Each with the id of its entry; one that another worker settled is ignored.
        """
        given: list[str | int] = []
        for entry, each in outcomes:
            kept = "" if each.state == "done" else json.dumps(_again_of(each))
            given += [entry, each.row.number, each.state, kept]
        self._run(scripts.SETTLE, *given)
        self._held -= {entry for entry, _ in outcomes}

    def left_out(self, state: str) -> Iterator[dict[str, Any]]:
        """Yield what is kept of the rows in a state, in order."""
        key = self._key + state
        numbers = sorted(int(each) for each in self._patiently(lambda: self._redis.hkeys(key)))
        self.must_be_there()  # in a Redis that lost its data there would seem to be none
        for start in range(0, len(numbers), 200):
            page = numbers[start : start + 200]
            found = self._patiently(partial(self._redis.hmget, key, page))
            yield from (json.loads(each) for each in found if each is not None)

    def send_again(self, made: Callable[[Mapping[str, Any]], str]) -> None:
        """Feed all rows whose outcome is unknown again.

        Args:
            made: Returns the row for what is kept of one.
        """
        given: list[str | int] = []
        for kept in self.left_out("unknown"):
            given += [kept["row"], made(kept)]
        if given:
            self._run(scripts.AGAIN, *given)

    def _claim(self, most: int) -> list[Delivered]:
        """Take over rows of workers that are dead; it raises what redis-py does."""
        for each in self._redis.xinfo_consumers(self._rows, GROUP):
            name = _text(each["name"])
            if name == self._consumer:
                if each["pending"] > len(self._held) and (found := self._missed(most)):
                    return found
                continue
            if self._redis.exists(self._alive(name)):
                continue
            if not each["pending"]:
                self._redis.xgroup_delconsumer(self._rows, GROUP, name)
                continue
            found = self._redis.xpending_range(self._rows, GROUP, "-", "+", most, name)
            ids = [each["message_id"] for each in found]
            idle = int(HEARTBEAT_SECONDS * 1000)
            taken = self._redis.xclaim(self._rows, GROUP, self._consumer, idle, ids) if ids else []
            if taken:
                return [Delivered(_text(i), _row_in(f), is_repeat=True) for i, f in taken if f]
        return []

    def _missed(self, most: int) -> list[Delivered]:
        """Return rows that this worker has by what Redis knows, and does not have.

        A reply of Redis was lost; or Redis was, with its last second, and rows came back.
        """
        upto = most + len(self._held)
        found = self._redis.xpending_range(self._rows, GROUP, "-", "+", upto, self._consumer)
        handed = [_text(each["message_id"]) for each in found]
        missed = [entry for entry in handed if entry not in self._held][:most]
        rows = [row for entry in missed for row in self._redis.xrange(self._rows, entry, entry)]
        return [Delivered(_text(i), _row_in(f), is_repeat=True) for i, f in rows]

    def _alive(self, consumer: str) -> str:
        return f"{self._key}alive:{consumer}"

    def _say_alive(self) -> None:
        try:
            pipe = self._redis.pipeline(transaction=False)
            pipe.set(self._alive(self._consumer), 1, px=int(HEARTBEAT_SECONDS * 1000))
            for key in self._keys:
                pipe.pexpire(key, KEPT_MS)
            pipe.execute()
        except Exception as error:  # the thread that works waits for Redis, and tells of it
            _LOG.debug("a worker could not say that it lives (%s)", cause_of(error))

    def _beat(self) -> None:
        while not self._is_over.wait(BEAT_SECONDS):
            self._say_alive()

    def _run(self, script: str, *given: str | int) -> int:
        """Run a script on the keys of the job, and return the number that it returns."""
        reply = self._patiently(lambda: self._redis.eval(script, 4, *self._keys, *given))
        if reply == -1:
            self._gone()
        return int(reply)

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Return what Redis answers; wait for one that is lost, but not for ever."""
        give_up_at, cause = time.monotonic() + self._patience, ""
        while not self._is_over.is_set():
            try:
                return ask()
            except self._lost as error:
                cause = cause_of(error)
            except Exception as error:
                if "NOGROUP" in str(error) or "no such key" in str(error):
                    self._gone()
                cause = cause_of(error)
                break
            if time.monotonic() > give_up_at:
                break
            self._is_over.wait(_RETRY_SECONDS)
        raise JournalLost(
            f"The Redis of the job cannot be used ({cause}), so that the work stopped. What was "
            "done is kept there. Run the same command when it is back: it goes on where this ended."
        )

    def _gone(self) -> NoReturn:
        raise JournalLost(
            f"Redis no longer has the job {self.job}: it was restarted without its data, or the "
            "job expired. So nothing tells which rows were applied. Let Redis write to disk "
            "(appendonly yes). With --new all rows go again, as another job."
        )


def named_job(url: str, base: str, new: str | None, *, patience: float = PATIENCE_SECONDS) -> str:
    """Return the id of the job on an input: all machines with that input get the same.

    Args:
        url: The URL of the Redis server.
        base: The id that the input and the options have.
        new: The id of a job to begin anew; None to go on with the last one.
        patience: How long to wait for a lost Redis, in seconds.
    """
    with closing(StreamJob(url, base, patience=patience)) as stream:
        return stream.named(new)


def jobs_in(url: str) -> list[dict[str, str]]:
    """Return the jobs in a Redis, each with its id.

    Raises:
        JournalLost: Redis cannot be used.
    """
    found = []
    with closing(StreamJob(url, "none", patience=0)) as stream:
        for job in stream.all_jobs():
            with closing(StreamJob(url, job, patience=0)) as each:
                found.append({"job": job, **each.told()})
    return [each for each in found if _is_job(each)]  # one may have expired meanwhile


def _is_job(told: Mapping[str, str]) -> bool:
    """Whether what is kept of a job is whole."""
    return "subtool" in told and all(told.get(name, "").isdecimal() for name in _NUMBERS)


def _again_of(outcome: Outcome) -> dict[str, Any]:
    again = {"again": outcome.row.again} if outcome.row.again else {}
    return {**outcome.kept(), **again}


def _pairs(read: Any) -> list[Any]:
    """Return what XREADGROUP read; RESP3 has a mapping in place of a list."""
    return list(read.items()) if isinstance(read, Mapping) else list(read or [])


def _row_in(fields: Any) -> str:
    return next((_text(value) for name, value in fields.items() if _text(name) == "row"), "")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(cast("str", value))
