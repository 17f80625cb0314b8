"""What Redis does as one step. Every key of a partition carries the same tag, so that a cluster keeps them together.

A script's changes stand in Redis's file of changes as a whole or not at all, in the order in which they were made: a
server that comes back younger has lost states and the position that belongs to them together.
"""

from __future__ import annotations

_REFUSE_STALE = """
local place = redis.call('HMGET', KEYS[1], 'fence', 'position')
if (place[1] or '0') ~= ARGV[1] then return {'fenced', 'fence ' .. (place[1] or '0') .. ', not ' .. ARGV[1]} end
if ARGV[2] ~= '' and (place[2] or '0') ~= ARGV[2] then
  return {'fenced', 'position ' .. (place[2] or '0') .. ', not ' .. ARGV[2]}
end
"""

COMMIT = (
    _REFUSE_STALE
    + """
local seen, kept, dropped, set = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local at = 8
local changed = {'overtaken'}
for _ = 1, seen do
  if (redis.call('HGET', KEYS[2], ARGV[at]) or '') ~= ARGV[at + 1] then changed[#changed + 1] = ARGV[at] end
  at = at + 2
end
if #changed > 1 then return changed end
for _ = 1, kept do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
  at = at + 2
end
for _ = 1, dropped do
  redis.call('ZREM', KEYS[3], ARGV[at])
  redis.call('HDEL', KEYS[4], ARGV[at])
  at = at + 1
end
for _ = 1, set do
  redis.call('ZADD', KEYS[3], ARGV[at + 1], ARGV[at])
  redis.call('HSET', KEYS[4], ARGV[at], ARGV[at + 2])
  at = at + 3
end
redis.call('HSET', KEYS[1], 'position', ARGV[3])
return {'done'}
"""
)
"""Keys: place, states, timers by due, bodies of timers. Arguments: fence, after, position, how many of each, then the
seen (customer, state), the new (customer, state), the dropped (timer), the set (timer, due, body). An empty state: none
was seen."""

LOOK = (
    _REFUSE_STALE
    + """
local states = {'states'}
for at = 3, #ARGV do states[at - 1] = redis.call('HGET', KEYS[2], ARGV[at]) end
return states
"""
)
"""Keys: place, states. Arguments: fence, position, customers."""

PUT = """
local changed = {}
for at = 1, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[at]) or '') ~= ARGV[at + 1] then
    changed[#changed + 1] = ARGV[at]
  else
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 2])
  end
end
return changed
"""
"""Key: states. Arguments: (customer, seen, new) again and again. Returns whose had changed."""

OWN = """
local place = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'until')
if (place[1] or '') ~= ARGV[1] or (place[2] or '0') ~= ARGV[2] or (place[3] or '0') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[4], 'fence', ARGV[5], 'until', ARGV[6])
return 1
"""
"""Key: place. Arguments: owner, fence and end as they were seen, and as they should be."""

ATTEND = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
"""Key: workers by the end of their time. Arguments: worker, now, its new end."""

DUE = """
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for at = 1, #found, 2 do found[#found + 1] = redis.call('HGET', KEYS[2], found[at]) end
return found
"""
"""Keys: timers by due, their bodies. Arguments: until, limit. Returns (timer, due) of each, then their bodies."""
