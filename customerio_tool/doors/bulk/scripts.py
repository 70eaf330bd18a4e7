"""The scripts by which a Redis changes a job in one step; see `StreamJob`.

A job is `meta` (a hash of its counts), `rows` (the stream of rows that are not settled), and
`rejected` and `unknown` (hashes by number of row). Each script refuses a job that is not there: a
Redis that lost its data must not look like one whose job is done.
"""

from __future__ import annotations

from customerio_tool.doors.bulk.job import KEPT_SECONDS

KEPT_MS = int(KEPT_SECONDS * 1000)
"""How long a job is kept after it was last worked on, in milliseconds."""

_LASTS = f"""
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, {KEPT_MS}) end
"""
BEGIN = (
    """
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'subtool', ARGV[1], 'total', ARGV[2], 'fed', 0, 'eof', 0,
    'done', 0, 'rejected', 0, 'unknown', 0, 'agreed', 0, 'began_at', ARGV[3])
  redis.call('XGROUP', 'CREATE', KEYS[2], 'workers', '0', 'MKSTREAM')
end
redis.call('HDEL', KEYS[1], 'cancelled')
"""
    + _LASTS
    + "return 1"
)
FEED = (
    """
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local fed = tonumber(redis.call('HGET', KEYS[1], 'fed'))
if fed ~= tonumber(ARGV[1]) then return fed end
for i = 4, #ARGV do redis.call('XADD', KEYS[2], '*', 'row', ARGV[i]) end
redis.call('HSET', KEYS[1], 'fed', ARGV[2], 'eof', ARGV[3])
"""
    + _LASTS
    + "return tonumber(ARGV[2])"
)
SET = """
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""
SETTLE = (
    """
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
for i = 1, #ARGV, 4 do
  local id, number, state, kept = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if redis.call('XACK', KEYS[2], 'workers', id) == 1 then
    redis.call('XDEL', KEYS[2], id)
    redis.call('HINCRBY', KEYS[1], state, 1)
    if state == 'rejected' then redis.call('HSET', KEYS[3], number, kept) end
    if state == 'unknown' then redis.call('HSET', KEYS[4], number, kept) end
  end
end
"""
    + _LASTS
    + "return 1"
)
AGAIN = (
    """
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
for i = 1, #ARGV, 2 do
  if redis.call('HDEL', KEYS[4], ARGV[i]) == 1 then
    redis.call('HINCRBY', KEYS[1], 'unknown', -1)
    redis.call('XADD', KEYS[2], '*', 'row', ARGV[i + 1])
  end
end
"""
    + _LASTS
    + "return 1"
)
