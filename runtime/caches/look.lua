-- Looks at one entry, and decides in the same step who makes a new one.
-- KEYS: the entry; the lease on making it.
-- ARGV: format of entries; prefix of tags; draw for early renewal (0: never); milliseconds an entry is kept past
-- its time; milliseconds of the lease (0: everybody makes their own); token of the asker.
-- Replies: 'fresh', 'early', 'stale' or 'none'; the entry; the server's microseconds; 1 when the asker is to
-- make a new one.
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]))
local kept = redis.call('GET', KEYS[1])
local found = 'none'
if kept then
  local format, began, took, tags = string.match(kept, '^(%w+) (%d+) (%d+) ([^\n]*)\n')
  if format == ARGV[1] then
    local left = redis.call('PTTL', KEYS[1]) - tonumber(ARGV[4])
    if left <= 0 then
      found = 'stale'
    elseif tonumber(took) * tonumber(ARGV[3]) >= left then
      found = 'early'
    else
      found = 'fresh'
    end
    for tag in string.gmatch(tags, '%S+') do
      local changed = redis.call('GET', ARGV[2] .. tag)
      if changed and tonumber(changed) >= tonumber(began) then
        found = 'none' -- it may have been made from what was there before the change
      end
    end
  end
end
if found == 'none' then
  kept = ''
end
if found == 'fresh' then
  return {found, kept, now, 0}
end
local mine = 1
if tonumber(ARGV[5]) > 0 and not redis.call('SET', KEYS[2], ARGV[6], 'NX', 'PX', ARGV[5]) then
  mine = 0
end
return {found, kept, now, mine}
