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

# The client repeats the script if its reply is lost. The random `claim` shows that the entry found
# then is the client's own. The script returns it if the key was free: a server that is no Redis
# cannot know it. An entry whose `expires_at` is NaN has not expired.
_CLAIM = """
local held = redis.call('GET', KEYS[1])
if held then
  local entry = cjson.decode(held)
  if entry.claim == ARGV[1] then return ARGV[1] end
  if not (entry.expires_at <= tonumber(ARGV[2])) then return held end
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return ARGV[1]
"""


class RedisLedger:
    """A ledger in one Redis server, for workers on many machines.

    Configure Redis to write to disk and to evict nothing (`maxmemory-policy noeviction`): a message
    whose entry is lost may be sent again. A failover can lose the last entries too, as replication
    is asynchronous.

    Args:
        url_or_client: A `redis://`, `rediss://` or `unix://` URL, or a `redis.Redis` with the
            caller's own timeouts. With a URL, the connect and read timeouts are 1 s each, and a
            command is sent at most twice. So a Redis that hangs delays a call by up to 4 s, even
            past its deadline.
        prefix: The prefix of all keys.

    Raises:
        ImportError: The extra `redis` is not installed.
        ValueError: The URL is not the URL of a Redis server.
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
        """Close the connections of the ledger's own client; a given client stays open."""
        if self._owned:
            self._redis.close()

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        """Store the entry if the key is free, else return the entry that has it; see `Ledger`."""
        token = secrets.token_hex(16)
        stored = json.dumps({**entry.as_json(), "claim": token})
        given = (token, repr(now), stored, _milliseconds(entry, now))
        with _reachable():
            held = self._redis.eval(_CLAIM, 1, self._prefix + key, *given)
        return None if held in (token, token.encode()) else Entry.from_json(held)

    def find(self, key: str, now: float) -> Entry | None:
        """Return the entry that holds the key, if there is one."""
        with _reachable():
            held = self._redis.get(self._prefix + key)
        entry = None if held is None else Entry.from_json(held)
        return entry if entry and entry.expires_at > now else None

    def settle(self, key: str, entry: Entry, now: float) -> None:
        """Store the final entry of a message."""
        stored = json.dumps(entry.as_json())
        with _reachable():
            is_stored = self._redis.set(self._prefix + key, stored, px=_milliseconds(entry, now))
        if not is_stored:
            raise LedgerLost("Redis: not the reply to SET")

    def release(self, key: str) -> None:
        """Free the key of a message that was certainly not sent."""
        with _reachable():
            self._redis.delete(self._prefix + key)


def _milliseconds(entry: Entry, now: float) -> int:
    return max(1, math.ceil((entry.expires_at - now) * 1000))


@contextmanager
def _reachable() -> Iterator[None]:
    """Raise `LedgerLost` for each failure of Redis, without its text, which contains the host.

    If something else listens on the port, redis-py may raise any exception when it reads the reply.
    """
    try:
        yield
    except Exception as error:
        lost = f"Redis: {type(error).__name__}"
    else:
        return
    raise LedgerLost(lost)
