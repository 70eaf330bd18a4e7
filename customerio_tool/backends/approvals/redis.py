"""The calls that wait for a person, in Redis, for workers on many machines (the extra `redis`)."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from customerio_tool.backends.approvals.waiting import (
    CONFIRMATION_ID,
    MAX_BYTES,
    RANDOM_BYTES,
    ApprovalsLost,
    Waiting,
)
from customerio_tool.backends.redis_client import redis_client, run_script
from customerio_tool.secret import Secret

if TYPE_CHECKING:
    import redis

PREFIX = "customerio:approvals:"
TIMEOUT_SECONDS = 1.0

_MAX_ENTRY = 2 * MAX_BYTES
"""The longest entry that is read, in bytes; Base64 adds a third to a content."""

# Under the prefix, each key ends by itself, except `number`:
#   number        the last number that was given
#   call:ID       a waiting call, as JSON
#   same:KEY      the id of the call of that key
#   facts         hash: ID to "RUN KEY WORKSPACE SIZE", all digests and a number
#   ends          sorted set: ID by the time when it ends
#   of:WORKSPACE  sorted set: ID by number
#   run:RUN       sorted set: ID by number
#   runs          sorted set: RUN by the bytes of its calls
#   size          the bytes of all calls
#
# Every script returns its random ARGV[1], which a server that runs no script cannot know. The
# client repeats a script whose reply is lost: so an equal call is kept once, and `took:ID` holds
# the token of the take.
_DROP = """
local P = KEYS[1]
local function drop(id)
  local facts = redis.call('HGET', P .. 'facts', id) or ''
  local run, key, owner, size = string.match(facts, '^(%x+) (%x+) (%x+) (%d+)$')
  redis.call('DEL', P .. 'call:' .. id)
  redis.call('HDEL', P .. 'facts', id)
  redis.call('ZREM', P .. 'ends', id)
  if not run then return end
  redis.call('ZREM', P .. 'of:' .. owner, id)
  redis.call('ZREM', P .. 'run:' .. run, id)
  redis.call('DECRBY', P .. 'size', size)
  if tonumber(redis.call('ZINCRBY', P .. 'runs', '-' .. size, run)) <= 0 then
    redis.call('ZREM', P .. 'runs', run)
  end
  if redis.call('GET', P .. 'same:' .. key) == id then redis.call('DEL', P .. 'same:' .. key) end
end
"""
_RECOUNT = """
local function recount(run, counted)  -- some of its calls were evicted
  local bytes = 0
  for _, id in ipairs(redis.call('ZRANGE', P .. 'run:' .. run, 0, -1)) do
    local facts = redis.call('HGET', P .. 'facts', id)
    if facts then
      bytes = bytes + (tonumber(string.match(facts, '%d+$')) or 0)
    else
      redis.call('ZREM', P .. 'run:' .. run, id)
    end
  end
  redis.call('DECRBY', P .. 'size', counted - bytes)
  if bytes > 0 then
    redis.call('ZADD', P .. 'runs', bytes, run)
  else
    redis.call('ZREM', P .. 'runs', run)
  end
end
"""
_KEEP = (
    _DROP
    + _RECOUNT
    + """
local token, now, ends_at, life, entry, random, run, key, owner, size, most = unpack(ARGV)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'ends', '-inf', now)) do drop(id) end
local same = redis.call('GET', P .. 'same:' .. key)
if same and redis.call('EXISTS', P .. 'call:' .. same) == 1 then return {token, same} end
if same then drop(same) end

local number = redis.call('INCR', P .. 'number')
local id = string.format('%.0f', number) .. '-' .. random
redis.call('SET', P .. 'call:' .. id, entry, 'PX', life)
redis.call('SET', P .. 'same:' .. key, id, 'PX', life)
redis.call('HSET', P .. 'facts', id, run .. ' ' .. key .. ' ' .. owner .. ' ' .. size)
redis.call('ZADD', P .. 'ends', ends_at, id)
redis.call('ZADD', P .. 'of:' .. owner, number, id)
redis.call('ZADD', P .. 'run:' .. run, number, id)
redis.call('ZINCRBY', P .. 'runs', size, run)
redis.call('INCRBY', P .. 'size', size)
for _, name in ipairs({'facts', 'ends', 'of:' .. owner, 'run:' .. run, 'runs', 'size'}) do
  if redis.call('PTTL', P .. name) < tonumber(life) then redis.call('PEXPIRE', P .. name, life) end
end

while tonumber(redis.call('GET', P .. 'size')) > tonumber(most) do
  local largest = redis.call('ZREVRANGE', P .. 'runs', 0, 0, 'WITHSCORES')
  if not largest[1] then
    redis.call('DEL', P .. 'size')
    break
  end
  local oldest = redis.call('ZRANGE', P .. 'run:' .. largest[1], 0, 0)[1]
  if oldest == id then break end
  if oldest and redis.call('HEXISTS', P .. 'facts', oldest) == 1 then
    drop(oldest)
  else
    recount(largest[1], largest[2])
  end
end
return {token, id}
"""
)
_FIND = """
local key = KEYS[1] .. 'call:' .. ARGV[2]
local kind = redis.call('TYPE', key).ok
if kind == 'none' then return {ARGV[1], false} end
if kind ~= 'string' or redis.call('STRLEN', key) > tonumber(ARGV[3]) then return {ARGV[1], ''} end
return {ARGV[1], redis.call('GET', key)}
"""
_TAKE = (
    _DROP
    + """
local token, id = ARGV[1], ARGV[2]
if redis.call('GET', P .. 'took:' .. id) == token then return {token, 1} end
if redis.call('EXISTS', P .. 'call:' .. id) == 0 then return {token, 0} end
drop(id)
redis.call('SET', P .. 'took:' .. id, token, 'PX', 60000)
return {token, 1}
"""
)
_WAITING = """
return {ARGV[1], table.concat(redis.call('ZRANGE', KEYS[1] .. 'of:' .. ARGV[2], 0, -1), ' ')}
"""


class RedisApprovals:
    """Keeps waiting calls in one Redis server, for workers on many machines.

    The call itself is sealed in it; the name of the subtool, the times and digests are not. A call
    that Redis loses or evicts runs never, and is asked for anew.

    Args:
        url_or_client: A `redis://`, `rediss://` or `unix://` URL, or a `redis.Redis` with the
            caller's own timeouts. With a URL, the connect and read timeouts are 1 s each, and a
            command is sent at most twice.
        prefix: The prefix of all keys.
        max_bytes: The most bytes of all waiting calls, see `MAX_BYTES`.

    Raises:
        ImportError: The extra `redis` is not installed.
        ValueError: The URL is not the URL of a Redis server.
    """

    is_shared = True

    def __init__(
        self, url_or_client: str | redis.Redis, *, prefix: str = PREFIX, max_bytes: int = MAX_BYTES
    ) -> None:
        self._owned = isinstance(url_or_client, str)
        given = Secret(url_or_client)
        del url_or_client
        self._redis: Any = redis_client(given, timeout=TIMEOUT_SECONDS, repeats=1)
        self._prefix = prefix
        self._max_bytes = max_bytes

    def close(self) -> None:
        """Close the connections of the store's own client; a given client stays open."""
        if self._owned:
            self._redis.close()

    def keep(
        self, workspace: str, waiting: Waiting, now: float, entropy: Callable[[int], bytes]
    ) -> str:
        """Keep a call and return its confirmation id; see `Approvals`."""
        life = max(1, math.ceil((waiting.ends_at - now) * 1000))
        given = (
            repr(now),
            repr(waiting.ends_at),
            life,
            _entry(workspace, waiting),
            entropy(RANDOM_BYTES).hex(),
            _digest(workspace, waiting.run),
            _digest(workspace, waiting.key),
            _digest(workspace),
            waiting.size,
            self._max_bytes,
        )
        confirmation_id = _text(self._run(_KEEP, *given))
        if not CONFIRMATION_ID.fullmatch(confirmation_id):
            raise ApprovalsLost("Redis: not the reply of the script")
        if self.find(workspace, confirmation_id, now) is None:  # spoilt, or gone at once
            self._run(_TAKE, confirmation_id)
            confirmation_id = _text(self._run(_KEEP, *given))
        return confirmation_id

    def find(self, workspace: str, confirmation_id: str, now: float) -> Waiting | None:
        """Return the call that waits under this id, if there is one."""
        if not CONFIRMATION_ID.fullmatch(confirmation_id):
            return None
        entry = self._run(_FIND, confirmation_id, _MAX_ENTRY)
        waiting = None if entry is None else _waiting_in(entry, workspace)
        return waiting if waiting and waiting.ends_at > now else None

    def take(self, workspace: str, confirmation_id: str, now: float) -> Waiting | None:
        """Remove the call that waits under this id and return it."""
        waiting = self.find(workspace, confirmation_id, now)
        if waiting is None:
            return None
        return waiting if self._run(_TAKE, confirmation_id) == 1 else None

    def waiting(self, workspace: str, now: float) -> dict[str, Waiting]:
        """Return the calls that wait, by confirmation id, the oldest first."""
        ids = _text(self._run(_WAITING, _digest(workspace))).split()
        found = {each: self.find(workspace, each, now) for each in ids}
        return {each: waiting for each, waiting in found.items() if waiting}

    def _run(self, script: str, *given: str | int) -> Any:
        """Run a script under the prefix, and return the second member of its reply."""
        token = secrets.token_hex(16)
        return run_script(self._redis, ApprovalsLost, script, self._prefix, token, *given)


def _digest(*parts: str) -> str:
    """Return the name that a workspace, or a run or key of it, has within keys."""
    text = "\0".join(parts).encode(errors="surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _entry(workspace: str, waiting: Waiting) -> str:
    return json.dumps(
        {
            "workspace": workspace,
            "subtool": waiting.subtool,
            "content": b64encode(waiting.content).decode(),
            "key": waiting.key,
            "run": waiting.run,
            "asked_at": waiting.asked_at,
            "ends_at": waiting.ends_at,
        }
    )


def _waiting_in(entry: Any, workspace: str) -> Waiting | None:
    """Return the call of an entry; None if it is another workspace's, or spoilt."""
    try:
        members = json.loads(entry)
        content = b64decode(members["content"], validate=True)
        is_own = members["workspace"] == workspace
    except (TypeError, ValueError, KeyError, RecursionError):
        return None
    return Waiting.of({**members, "content": content}) if is_own else None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if not isinstance(value, str):
        raise ApprovalsLost("Redis: not the reply of the script")
    return value
