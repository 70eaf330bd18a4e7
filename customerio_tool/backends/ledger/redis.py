"""A ledger of sends in Redis, for workers on many machines (the extra `redis`)."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from customerio_tool.backends.ledger.entry import Entry, LedgerLost
from customerio_tool.backends.redis_client import redis_client

if TYPE_CHECKING:
    import redis

PREFIX = "customerio:ledger:"
TIMEOUT_SECONDS = 1.0

# An answer can be lost after the script ran, and the client asks again: the claim is then its own.
_CLAIM = """
local held = redis.call('GET', KEYS[1])
if held then
  local entry = cjson.decode(held)
  if entry.claim == ARGV[1] then return false end
  if entry.expires_at > tonumber(ARGV[2]) then return held end
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return false
"""


class RedisLedger:
    """A ledger in one Redis, whose keys expire by themselves.

    The Redis should write its data to disk and evict nothing (`maxmemory-policy noeviction`): what
    it forgets may be sent again. That includes a failover, as replicas receive writes late.

    Args:
        url_or_client: A `redis://`, `rediss://` or `unix://` URL, or a `redis.Redis` whose
            timeouts are the caller's choice. By URL, connecting and answering may take 1 s each,
            and a command is sent twice at most: a Redis that hangs delays a call by up to 4 s,
            whatever its deadline.
        prefix: What all keys begin with.

    Raises:
        ImportError: The package redis is not installed.
        ValueError: The URL cannot be read.
    """

    def __init__(self, url_or_client: str | redis.Redis, *, prefix: str = PREFIX) -> None:
        self._owned = isinstance(url_or_client, str)
        self._redis: Any = (
            redis_client(url_or_client, timeout=TIMEOUT_SECONDS, repeats=1)
            if isinstance(url_or_client, str)
            else url_or_client
        )
        self._prefix = prefix

    def close(self) -> None:
        """Close the connections of a client that the ledger made itself."""
        if self._owned:
            self._redis.close()

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        """Store the entry unless the key is held; return the entry that holds it."""
        token = secrets.token_hex(16)
        stored = json.dumps({**entry.as_json(), "claim": token})
        given = (token, repr(now), stored, _milliseconds(entry, now))
        with _reachable():
            held = self._redis.eval(_CLAIM, 1, self._prefix + key, *given)
        return None if held is None else Entry.from_json(held)

    def settle(self, key: str, entry: Entry, now: float) -> None:
        """Store how a message ended."""
        stored = json.dumps(entry.as_json())
        with _reachable():
            self._redis.set(self._prefix + key, stored, px=_milliseconds(entry, now))

    def release(self, key: str) -> None:
        """Free the key of a message that was certainly not sent."""
        with _reachable():
            self._redis.delete(self._prefix + key)


def _milliseconds(entry: Entry, now: float) -> int:
    return max(1, math.ceil((entry.expires_at - now) * 1000))


@contextmanager
def _reachable() -> Iterator[None]:
    """Tell any failure of Redis as `LedgerLost`, without its text, which names the host."""
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError, UnicodeError) as error:  # the last: odd host names
        lost = f"Redis: {type(error).__name__}"
    else:
        return
    raise LedgerLost(lost)
