-- KEYS[1]: a delivery. ARGV[1]: the ticket. ARGV[2]: the lease in milliseconds.
-- The value is the ticket of whoever handles it, or 'done'.
local held = redis.call('GET', KEYS[1])
if not held then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 0
end
if held == 'done' then
  return 2
end
return 1
