-- Takes one token from every bucket of KEYS, as one step, by the server's clock.
-- ARGV, three a bucket: most; period in microseconds; 1 where the token is needed, 0 where it is only wished.
-- Replies: number of the needed bucket that had none (0: none, and all others were taken), microseconds until
-- it has; the same for a wished one. A refused call takes nothing.
-- A token is `period` units and a microsecond brings `most`, so everything is whole and exact.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local buckets, poor, poor_wait = {}, 0, 0
for i, key in ipairs(KEYS) do
  local most, period = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
  local full, at = most * period, now
  local level = full
  local kept = redis.call('GET', key)
  if kept then
    local old, since = string.match(kept, '^(%d+) (%d+)$')
    at = math.max(now, tonumber(since)) -- after a failover another server's clock may be behind
    if at - tonumber(since) < period then
      level = math.min(full, tonumber(old) + (at - tonumber(since)) * most)
    end
  end
  if level >= period then
    level = level - period
  else
    local wait = math.ceil((period - level) / most)
    if ARGV[3 * i] == '1' then
      return {i, wait, 0, 0}
    end
    poor, poor_wait = i, wait
  end
  buckets[i] = {level, at, math.ceil((full - level) / most / 1000) + 1}
end
for i, key in ipairs(KEYS) do
  local level, at, full_in_ms = unpack(buckets[i])
  -- A bucket that is full again is one that was never used: it may go.
  redis.call('SET', key, string.format('%.0f %.0f', level, at), 'PX', string.format('%.0f', full_in_ms))
end
return {0, 0, poor, poor_wait}
