-- Puts an entry down, if there is one, and gives the lease back if it is still the asker's.
-- KEYS: the entry; the lease. ARGV: token; then the entry and how many milliseconds it is kept, or nothing.
if ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
end
return 1
