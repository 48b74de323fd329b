-- KEYS[1]: a delivery. ARGV[1]: the ticket.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 0
