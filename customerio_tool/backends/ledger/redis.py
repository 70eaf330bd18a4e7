"""A ledger of sends in Redis, for workers on many machines (the extra `redis`)."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from customerio_tool.backends.ledger.entry import MAX_ENTRY, Entry, LedgerLost, Unit
from customerio_tool.backends.redis_client import redis_client, run_script
from customerio_tool.secret import Secret

if TYPE_CHECKING:
    import redis

PREFIX = "customerio:ledger:"
TIMEOUT_SECONDS = 1.0

# Every script returns its random ARGV[1], which a server that runs no script cannot know. The
# client repeats a script whose reply is lost: so an entry holds the `claim` that stored it, and a
# unit is taken once. An entry whose `expires_at` is no time (NaN, negative) has not expired.
_CLAIM = """
local held = redis.call('GET', KEYS[1])
if held then
  local entry = cjson.decode(held)
  if entry.claim == ARGV[1] then return {ARGV[1], false} end
  local ends = entry.expires_at
  if not (ends >= 0 and ends <= tonumber(ARGV[2])) then return {ARGV[1], held} end
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return {ARGV[1], false}
"""
_FIND = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return {ARGV[1], false} end
if kind ~= 'string' or redis.call('STRLEN', KEYS[1]) > tonumber(ARGV[2]) then
  return {ARGV[1], 'no entry'}
end
return {ARGV[1], redis.call('GET', KEYS[1])}
"""
_SETTLE = """
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {ARGV[1], false}
"""
_RELEASE = """
redis.call('DEL', KEYS[1])
return {ARGV[1], false}
"""

# A count is a sorted set of units, each with its `expires_at`; the last of these ends the count.
_LIVING = """
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
local taken = last and tonumber(last) > tonumber(ARGV[2]) and redis.call('ZCARD', KEYS[1]) or 0
"""
_TAKEN = _LIVING + "return {ARGV[1], taken}"
_TAKE = (
    _LIVING
    + """
if taken == 0 then redis.call('DEL', KEYS[1]) end
if not redis.call('ZSCORE', KEYS[1], ARGV[3]) and taken >= tonumber(ARGV[4]) then
  return {ARGV[1], 0}
end
redis.call('ZADD', KEYS[1], ARGV[5], ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[6]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
return {ARGV[1], 1}
"""
)
_GIVE_BACK = """
redis.call('ZREM', KEYS[1], ARGV[2])
return {ARGV[1], false}
"""


class RedisLedger:
    """A ledger in one Redis server, for workers on many machines.

    Configure Redis to write to disk (`appendonly yes`) and to evict nothing (`maxmemory-policy
    noeviction`): a message whose entry is lost may be sent again. A failover can lose the last
    entries too, as replication is asynchronous.

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
        given = Secret(url_or_client)
        del url_or_client
        self._redis: Any = redis_client(given, timeout=TIMEOUT_SECONDS, repeats=1)
        self._prefix = prefix

    def close(self) -> None:
        """Close the connections of the ledger's own client; a given client stays open."""
        if self._owned:
            self._redis.close()

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        """Store the entry if the key is free, else return the entry that has it; see `Ledger`."""
        claim = secrets.token_hex(16)
        stored = json.dumps({**entry.as_json(), "claim": claim})
        expiry = _milliseconds(entry.expires_at, now)
        held = self._run(_CLAIM, key, repr(now), stored, expiry, token=claim)
        return None if held is None else Entry.from_json(held)

    def find(self, key: str, now: float) -> Entry | None:
        """Return the entry that holds the key, if there is one."""
        held = self._run(_FIND, key, MAX_ENTRY)
        entry = None if held is None else Entry.from_json(held)
        return entry if entry and entry.expires_at > now else None

    def settle(self, key: str, entry: Entry, now: float) -> None:
        """Store the final entry of a message."""
        stored = json.dumps(entry.as_json())
        self._run(_SETTLE, key, stored, _milliseconds(entry.expires_at, now))

    def release(self, key: str) -> None:
        """Free the key of a message that was certainly not sent."""
        self._run(_RELEASE, key)

    def take(self, unit: Unit, allowed: int, now: float) -> bool:
        """Take a unit if its count has fewer than `allowed`; see `Ledger`."""
        expiry = _milliseconds(unit.expires_at, now)
        given = (repr(now), unit.name, allowed, repr(unit.expires_at), expiry)
        return _number(self._run(_TAKE, unit.count, *given)) == 1

    def taken(self, count: str, now: float) -> int:
        """Return how many units of a count are taken."""
        return _number(self._run(_TAKEN, count, repr(now)))

    def give_back(self, unit: Unit) -> None:
        """Free a unit that certainly was not used."""
        self._run(_GIVE_BACK, unit.count, unit.name)

    def lossy_settings(self) -> dict[str, str]:
        """Return the settings of Redis by which it may lose entries, with their values.

        Those are a `maxmemory-policy` that evicts, and `appendonly` where it is off. Nothing is
        told of what Redis does not say.
        """
        found: dict[str, str] = {}
        memory, disk = self._info("memory"), self._info("persistence")
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        if memory.get("maxmemory") and policy != "noeviction":
            found["maxmemory-policy"] = policy
        if disk.get("aof_enabled") == 0:
            found["appendonly"] = "no"
        return found

    def _info(self, section: str) -> Mapping[str, Any]:
        try:
            told = self._redis.info(section)
        except Exception:  # a host may forbid the command
            return {}
        return told if isinstance(told, Mapping) else {}

    def _run(self, script: str, key: str, *given: str | int, token: str = "") -> Any:
        """Run a script on a key, and return the second member of its reply."""
        token = token or secrets.token_hex(16)
        return run_script(self._redis, LedgerLost, script, self._prefix + key, token, *given)


def _number(value: Any) -> int:
    if type(value) is not int:
        raise LedgerLost("Redis: not the reply of the script")
    return value


def _milliseconds(expires_at: float, now: float) -> int:
    return max(1, math.ceil((expires_at - now) * 1000))
