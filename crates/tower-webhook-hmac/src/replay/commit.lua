-- KEYS[1]: a delivery. ARGV[1]: the ticket. ARGV[2]: how long to keep it, in milliseconds.
-- Also when the lease has ended, unless somebody else has claimed it since.
local held = redis.call('GET', KEYS[1])
if not held or held == ARGV[1] then
  redis.call('SET', KEYS[1], 'done', 'PX', ARGV[2])
end
return 0
