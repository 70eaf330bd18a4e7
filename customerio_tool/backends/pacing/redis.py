"""`RedisLimiter`: rate limits that workers on many machines share through one Redis.

A Lua script reserves slots by the clock of the Redis server, in one round trip. If Redis cannot be
used, each worker paces itself: it takes the limit divided by the number of workers it last saw.
When Redis goes or returns, no burst is allowed. No failure of Redis makes a call fail.
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
from customerio_tool.backends.pacing.slots import MANY_BUCKETS, Slot
from customerio_tool.backends.redis_client import cause_of, redis_client
from customerio_tool.locks import renew_in_child
from customerio_tool.secret import Secret
from customerio_tool.subtools.declare import Pace

if TYPE_CHECKING:
    import redis

TIMEOUT_SECONDS = 0.25
"""The connect and read timeouts of Redis: to wait longer would cost more than pacing saves."""

PROBE_SECONDS = 0.5
"""The seconds between attempts to reach a lost Redis; no other call waits for it."""

ACTIVE_SECONDS = 30.0
"""How long a worker counts as active after its last slot, in seconds."""

_LOG = logging.getLogger(__name__)
_MICRO = 1_000_000
_MAX_SECONDS = 1e6  # longer than any call; replaces infinity, which is no integer
_MAX_WAIT = 2 * _MAX_SECONDS * _MICRO  # a pause and what it delays
_UNKNOWN_LIFE = "unknown"
_T = TypeVar("_T")

# All times are in microseconds; those of the schedule count from 1970 on the server's clock. They
# are written with %.0f, as `tostring` has 14 digits and microseconds since 1970 have 16.
#
# Arguments: 1 interval, 2 tolerance, 3 patience (the longest wait; negative reserves nothing),
# 4 hold (pause for so long), 5 settle (the wait after Redis lost its data), 6 active
# (`ACTIVE_SECONDS`), 7 the worker, 8 the `life` that the worker expects, or "".
#
# Fields: `tail` as in `local._Schedule`, `held` the end of the pause, `born` when this schedule
# was created, `seen` when it was last used, `life` its id: another one means that Redis lost the
# schedule and a new one began.
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


_CHECK = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', 1000)
return redis.call('GET', KEYS[1])
"""


@dataclass(frozen=True)
class _Reply:
    """The reply of the script.

    Args:
        granted: Whether a slot was reserved.
        seconds: The seconds until the next slot.
        at: The time of that slot, in Unix seconds on the server's clock.
        workers: The number of active workers.
        life: The id of the schedule in Redis; a new one means that Redis lost its data.
    """

    granted: bool
    seconds: float
    at: float
    workers: int
    life: str | bytes

    @classmethod
    def of_script(cls, reply: Any) -> _Reply:
        """Return the reply; raise an exception if no Redis can have sent it."""
        granted, wait, at, workers, life = reply
        numbers = all(type(number) is int for number in (granted, wait, at, workers))
        if not numbers or not 0 <= wait <= _MAX_WAIT or not isinstance(life, (str, bytes)):
            raise ValueError("not the reply of the script")
        return cls(bool(granted), wait / _MICRO, at / _MICRO, workers, life)


@dataclass
class _BucketState:
    """The last shared state of a bucket that this process knows.

    Args:
        workers: The number of active workers.
        last_slot: The time of the process's last shared slot, on its monotonic clock.
        life: The id of the schedule in Redis.
        is_local: Whether the process paces the bucket by itself, as Redis is lost.
    """

    workers: int
    last_slot: float = -math.inf
    life: str | bytes = _UNKNOWN_LIFE
    is_local: bool = False


@dataclass
class _Process:
    """The state of one process; a forked child begins with a new one, as another worker."""

    worker: str = field(default_factory=lambda: secrets.token_hex(8))
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_lost: bool = False
    probe_at: float = 0.0
    buckets: dict[str, _BucketState] = field(default_factory=dict)

    def remember(self, bucket: str, seen: _BucketState) -> None:
        """Store the state of a bucket; at `MANY_BUCKETS`, drop the one that is unused longest."""
        self.buckets.pop(bucket, None)
        if len(self.buckets) >= MANY_BUCKETS:
            del self.buckets[next(iter(self.buckets))]
        self.buckets[bucket] = seen


class RedisLimiter:
    """A `Limiter` for all workers that use the same Redis.

    While Redis is lost, each process takes an equal share of the limit among the workers it last
    saw; one that never reached Redis takes all of it. Its first slot comes one interval after its
    last shared slot. Each outage is logged as one warning.

    Args:
        client_or_url: The URL of a Redis server, version 6 or later; or a redis-py client, which
            should have short timeouts and no retries.
        fallback: Reserves this process's slots while Redis is lost; by default a new one. Its rates
            hold for the shared slots too, and must be the same for all workers.
        monotonic: The clock of this process, in seconds; shared slots use the server's clock.

    Raises:
        ImportError: The extra `redis` is not installed.
        ValueError: The URL is not the URL of a Redis server.
    """

    def __init__(
        self,
        client_or_url: redis.Redis | str,
        *,
        fallback: LocalLimiter | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        given = Secret(client_or_url)
        del client_or_url
        # No retries: the script may have run already, and would reserve a second slot.
        self._client = redis_client(given, timeout=TIMEOUT_SECONDS, repeats=0)
        self._script = self._client.register_script(_SCRIPT)
        self._fallback = fallback or LocalLimiter(monotonic=monotonic)
        self.permits = self._fallback.permits
        self._monotonic = monotonic
        self._begin_process()
        renew_in_child(self._begin_process)

    def _begin_process(self) -> None:
        self._process = _Process()

    def problem(self) -> str:
        """Return why Redis cannot be used, as a sentence; "" if it is reachable and writable."""
        token = secrets.token_hex(16)
        try:
            said: Any = self._client.eval(_CHECK, 1, f"cio:check:{token}", token)
            if said not in (token, token.encode()):
                return "What answers in place of Redis is another program."
        except Exception as error:  # if something else listens on the port
            return f"Redis cannot be used ({cause_of(error)}), so that each worker paces itself."
        return ""

    def reserve(self, bucket: str, pace: Pace, max_wait: float) -> Slot | None:
        """Reserve the next slot; see `Limiter`.

        A Redis that hangs costs up to three timeouts: to connect, for the handshake and for the
        script. The DNS look-up of its host has no timeout.
        """
        give_up_at = self._monotonic() + max_wait
        reply = self._ask(bucket, pace, patience=max_wait)
        if reply is None:
            workers = self._pace_locally(bucket, pace)
            left = max(0.0, give_up_at - self._monotonic())
            return self._fallback.reserve(bucket, pace, left, workers=workers)
        return Slot(reply.seconds, reply.at, shared=True) if reply.granted else None

    def is_valid(self, bucket: str, slot: Slot) -> bool:
        """Whether a slot may still be used; see `Limiter`.

        A slot of the fallback becomes invalid when Redis is back: other workers do not know of it.
        """
        held_until = self._try(lambda: self._held_until(bucket))
        if held_until is None:
            return self._fallback.is_valid(bucket, slot)
        return slot.shared and held_until <= slot.at

    def shortest_wait(self, bucket: str, pace: Pace) -> float:
        """Return the seconds until the next slot; see `Limiter`."""
        reply = self._ask(bucket, pace)
        if reply is None:
            workers = self._pace_locally(bucket, pace)
            return self._fallback.shortest_wait(bucket, pace, workers=workers)
        return reply.seconds

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        """Pause the bucket for all workers; see `Limiter`.

        The fallback is paused too, in case Redis is lost before the pause ends.
        """
        self._fallback.pause(bucket, pace, seconds)
        self._ask(bucket, pace, hold=seconds)

    def _ask(
        self, bucket: str, pace: Pace, *, patience: float = -1.0, hold: float = 0.0
    ) -> _Reply | None:
        """Run the script; return None if Redis is lost. A negative patience reserves nothing."""
        rhythm = self._fallback.rhythm_of(pace)
        settle = pace.period_seconds + PROBE_SECONDS + 2 * TIMEOUT_SECONDS
        seen = self._process.buckets.get(bucket)
        if seen and seen.is_local:
            hold = max(hold, self._fallback.pause_left(bucket))
        times = (rhythm.interval, rhythm.tolerance, patience, hold, settle, ACTIVE_SECONDS)
        arguments: list[str | bytes | int] = [_micros(seconds) for seconds in times]
        arguments += [self._process.worker, self._expected_life(seen)]
        reply = self._try(
            lambda: _Reply.of_script(self._script(keys=_keys(bucket), args=arguments))
        )
        if reply is not None:
            self._remember(bucket, reply)
        return reply

    def _expected_life(self, seen: _BucketState | None) -> str | bytes:
        """Return the life that the schedule in Redis must still have; "" if any life will do.

        A process that used the schedule lately, or paces it by itself, may have slots that a new
        schedule does not know.
        """
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
        """Let the fallback pace a bucket; return the number of workers that share the limit."""
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
                wait = queue + self._fallback.rhythm_of(pace, seen.workers).interval
                self._fallback.start_after(bucket, pace, wait, workers=seen.workers)
        return seen.workers

    def _try(self, operation: Callable[[], _T]) -> _T | None:
        """Run an operation on Redis; return None if Redis is lost.

        If something else listens on the port, redis-py may raise any exception. While it is lost,
        one call per `PROBE_SECONDS` tries again; all others return None at once.
        """
        process = self._process
        with process.lock:
            lost = process.is_lost
            if lost:
                if self._monotonic() < process.probe_at:
                    return None
                process.probe_at = self._monotonic() + PROBE_SECONDS
        try:
            result = operation()
        except Exception as error:
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
    """Return the Redis keys of a bucket, its schedule and its workers; both in one hash slot."""
    return [f"cio:{{{bucket}}}:schedule", f"cio:{{{bucket}}}:workers"]


def _micros(seconds: float) -> int:
    return round(min(seconds, _MAX_SECONDS) * _MICRO)
