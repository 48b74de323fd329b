-- Stores an entry, unless the epoch has changed since the response left.
-- KEYS: as for get.lua, then the set of each tag.
-- ARGV: the epoch, the entry, how long it is kept and how long a tag is, in milliseconds.
local of_entry = (redis.call('GET', KEYS[2]) or '') .. '|' .. (redis.call('GET', KEYS[3]) or '')
local of_flight = of_entry .. '|' .. (redis.call('GET', KEYS[4]) or '')
if string.sub(redis.sha1hex(of_flight), 1, 15) ~= ARGV[1] then
  return 0
end
local epoch = string.sub(redis.sha1hex(of_entry), 1, 15)
redis.call('SET', KEYS[1], epoch .. ARGV[2], 'PX', ARGV[3])
for i = 5, #KEYS do
  redis.call('SADD', KEYS[i], KEYS[1])
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
return 1
