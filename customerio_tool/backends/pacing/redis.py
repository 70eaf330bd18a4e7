"""Knows how workers on many machines share one limit through Redis, and what to do without Redis.

One script hands out the slots by the clock of the Redis server, in one round trip. While Redis is
lost each worker keeps to its share of the limit, counted from the workers last seen; where the two
ways meet, no period holds a burst. Nothing that Redis does makes a call fail.
"""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from customerio_tool.backends.pacing.local import LocalLimiter
from customerio_tool.backends.pacing.slots import MANY_BUCKETS, Slot, rhythm_of
from customerio_tool.backends.redis_client import redis_client, redis_py
from customerio_tool.locks import renew_in_child
from customerio_tool.subtools.declare import Pace

if TYPE_CHECKING:
    import redis

TIMEOUT_SECONDS = 0.25
"""How long to wait for Redis, to connect as to answer: pacing must not cost more than it saves."""

PROBE_SECONDS = 0.5
"""While Redis is lost it is tried again this often; in between no call waits for it."""

ACTIVE_SECONDS = 30.0
"""A worker counts as active for so long after its last slot."""

_LOG = logging.getLogger(__name__)
_MICRO = 1_000_000
_MAX_SECONDS = 1e6  # no call waits so long; infinity has no whole microseconds
_UNKNOWN_LIFE = "unknown"
_T = TypeVar("_T")

# Numbers are written with %.0f: tostring keeps 14 digits, microseconds since 1970 have 16.
_SCRIPT = """
local interval, tolerance, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local hold, settle, active = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local known = redis.call('HMGET', KEYS[1], 'tail', 'held', 'born', 'seen', 'life')
local tail, held = tonumber(known[1]) or now, tonumber(known[2]) or now
local born = tonumber(known[3]) or now
local back = math.max(0, (tonumber(known[4]) or now) - now)  -- the server's clock was set back
tail, held, born = tail - back, held - back, born - back
local life = known[5] or string.format('%.0f', now)
if hold > 0 then
  held = math.max(held, now + hold)
  tail = math.max(tail, held + tolerance)
end
if ARGV[8] ~= '' and ARGV[8] ~= life then  -- Redis lost its memory, so it begins slowly
  tail = math.max(tail, born + settle + tolerance)
end
local slot = math.max(now, held, tail - tolerance)
local granted = slot - now <= patience
if granted then
  tail = math.max(tail, slot) + interval
  redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[7])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - active))
  redis.call('PEXPIRE', KEYS[2], string.format('%.0f', active / 1000))
end
redis.call('HSET', KEYS[1], 'tail', string.format('%.0f', tail), 'held',
  string.format('%.0f', held), 'born', string.format('%.0f', born), 'seen',
  string.format('%.0f', now), 'life', life)
local idle = math.max(tail, held, born + settle) - now + active
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', idle / 1000))
return {granted and 1 or 0, slot - now, slot, redis.call('ZCARD', KEYS[2]), life}
"""


@dataclass(frozen=True)
class _Reply:
    """The script's answer: how far the next slot is, when, how many workers are active.

    `life` is a mark of the schedule that changes when Redis has forgotten it.
    """

    granted: bool
    seconds: float
    at: float
    workers: int
    life: str | bytes


@dataclass
class _BucketState:
    """What this worker last knew of a bucket, and whether it now paces it alone."""

    workers: int
    last_slot: float = -math.inf
    life: str | bytes = _UNKNOWN_LIFE
    is_local: bool = False


@dataclass
class _Process:
    """What belongs to one process: a fork begins with nothing known, as a worker of its own."""

    worker: str = field(default_factory=lambda: secrets.token_hex(8))
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_lost: bool = False
    probe_at: float = 0.0
    buckets: dict[str, _BucketState] = field(default_factory=dict)

    def remember(self, bucket: str, seen: _BucketState) -> None:
        """Remember a bucket; of too many, forget the one asked for longest ago."""
        self.buckets.pop(bucket, None)
        if len(self.buckets) >= MANY_BUCKETS:
            del self.buckets[next(iter(self.buckets))]
        self.buckets[bucket] = seen


class RedisLimiter:
    """A `Limiter` that all workers share which use the same Redis.

    While Redis is lost, each worker takes its share of the limit among the workers it last saw
    (a process that never reached Redis paces itself as if alone), beginning one interval of its
    own after its last shared slot. That is logged as one warning for each outage.

    Args:
        client_or_url: The address of a Redis server, 6 or later; or a client of redis-py, whose
            timeouts should be short, and which should not repeat commands by itself.
        fallback: Hands out this process's slots while Redis is lost; by default its own.
        monotonic: The clock, in seconds, for what is not timed by the server.

    Raises:
        ImportError: redis-py is not installed.
        ValueError: The address is none of a Redis server.
    """

    def __init__(
        self,
        client_or_url: redis.Redis | str,
        *,
        fallback: LocalLimiter | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        library = redis_py()
        # Never repeated: what is reserved too late must not count twice.
        self._client = (
            redis_client(client_or_url, timeout=TIMEOUT_SECONDS, repeats=0)
            if isinstance(client_or_url, str)
            else client_or_url
        )
        self._failures = (library.RedisError, OSError, UnicodeError)  # the last: odd host names
        self._script = self._client.register_script(_SCRIPT)
        self._fallback = fallback or LocalLimiter(monotonic=monotonic)
        self._monotonic = monotonic
        self._begin_process()
        renew_in_child(self._begin_process)

    def _begin_process(self) -> None:
        self._process = _Process()

    def reserve(self, bucket: str, pace: Pace, max_wait: float) -> Slot | None:
        """Return the next slot; see `Limiter`.

        A Redis that hangs costs up to three timeouts: to connect, to greet and to ask. Looking up
        the name of its host is not bounded.
        """
        give_up_at = self._monotonic() + max_wait
        reply = self._ask(bucket, pace, patience=max_wait)
        if reply is None:
            workers = self._pace_locally(bucket, pace)
            left = max(0.0, give_up_at - self._monotonic())
            return self._fallback.reserve(bucket, pace, left, workers=workers)
        return Slot(reply.seconds, reply.at, shared=True) if reply.granted else None

    def is_valid(self, bucket: str, slot: Slot) -> bool:
        """Tell whether a slot may still be used; see `Limiter`.

        A slot of the process's own is given up when Redis is back, where others queue.
        """
        held_until = self._try(lambda: self._held_until(bucket))
        if held_until is None:
            return self._fallback.is_valid(bucket, slot)
        return slot.shared and held_until <= slot.at

    def shortest_wait(self, bucket: str, pace: Pace) -> float:
        """Return how far the next slot is away; see `Limiter`."""
        reply = self._ask(bucket, pace)
        if reply is None:
            workers = self._pace_locally(bucket, pace)
            return self._fallback.shortest_wait(bucket, pace, workers=workers)
        return reply.seconds

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        """Let no worker use a slot for so long; see `Limiter`.

        The process also remembers it for itself, in case Redis is lost before the pause is over.
        """
        self._fallback.pause(bucket, pace, seconds)
        self._ask(bucket, pace, hold=seconds)

    def _ask(
        self, bucket: str, pace: Pace, *, patience: float = -1.0, hold: float = 0.0
    ) -> _Reply | None:
        """Run the script; None while Redis is lost. Without patience nothing is reserved."""
        rhythm = rhythm_of(pace)
        settle = pace.period_seconds + PROBE_SECONDS + 2 * TIMEOUT_SECONDS
        seen = self._process.buckets.get(bucket)
        if seen and seen.is_local:
            hold = max(hold, self._fallback.pause_left(bucket))
        times = (rhythm.interval, rhythm.tolerance, patience, hold, settle, ACTIVE_SECONDS)
        arguments: list[str | bytes | int] = [_micros(seconds) for seconds in times]
        arguments += [self._process.worker, self._expected_life(seen)]
        reply = self._try(lambda: self._script(keys=_keys(bucket), args=arguments))
        if reply is None:
            return None
        *numbers, life = reply
        granted, wait, at, workers = map(int, numbers)
        reply = _Reply(bool(granted), wait / _MICRO, at / _MICRO, workers, life)
        self._remember(bucket, reply)
        return reply

    def _expected_life(self, seen: _BucketState | None) -> str | bytes:
        """Return the mark of the schedule that Redis must still hold; empty if it need not."""
        recent = seen and seen.last_slot > self._monotonic() - ACTIVE_SECONDS / 2
        return seen.life if seen and (seen.is_local or recent) else ""

    def _held_until(self, bucket: str) -> float:
        held: Any = self._client.hget(_keys(bucket)[0], "held")
        return int(held or 0) / _MICRO

    def _remember(self, bucket: str, reply: _Reply) -> None:
        process = self._process
        last_slot = self._monotonic() + reply.seconds if reply.granted else -math.inf
        with process.lock:
            if before := process.buckets.get(bucket):
                last_slot = max(last_slot, before.last_slot)
            process.remember(bucket, _BucketState(max(1, reply.workers), last_slot, reply.life))

    def _pace_locally(self, bucket: str, pace: Pace) -> int:
        """Begin to pace a bucket in this process alone; return among how many workers."""
        process = self._process
        with process.lock:
            seen = process.buckets.get(bucket)
            if seen is None:
                seen = _BucketState(
                    max((other.workers for other in process.buckets.values()), default=1)
                )
                process.remember(bucket, seen)
            if not seen.is_local:
                seen.is_local = True
                queue = max(0.0, seen.last_slot - self._monotonic())
                wait = queue + rhythm_of(pace, seen.workers).interval
                self._fallback.start_after(bucket, pace, wait, workers=seen.workers)
        return seen.workers

    def _try(self, operation: Callable[[], _T]) -> _T | None:
        """Do something with Redis; None if Redis is lost, which one call at a time finds out."""
        process = self._process
        with process.lock:
            lost = process.is_lost
            if lost:
                if self._monotonic() < process.probe_at:
                    return None
                process.probe_at = self._monotonic() + PROBE_SECONDS
        try:
            result = operation()
        except self._failures as error:
            self._mark_lost(process, error)
            return None
        if lost:
            self._mark_back(process)
        return result

    def _mark_lost(self, process: _Process, error: Exception) -> None:
        with process.lock:
            process.probe_at = self._monotonic() + PROBE_SECONDS
            if process.is_lost:
                return
            process.is_lost = True
        _LOG.warning(
            "Redis is lost (%s): this process now keeps to its own share of Customer.io's limits, "
            "and tries Redis again until it is back.",
            type(error).__name__,
        )

    def _mark_back(self, process: _Process) -> None:
        with process.lock:
            process.is_lost = False
        _LOG.info("Redis is back: Customer.io's limits are shared again.")


def _keys(bucket: str) -> list[str]:
    """Return the keys of a bucket: the schedule and the workers, in one slot of a cluster."""
    return [f"cio:{{{bucket}}}:schedule", f"cio:{{{bucket}}}:workers"]


def _micros(seconds: float) -> int:
    return round(min(seconds, _MAX_SECONDS) * _MICRO)
