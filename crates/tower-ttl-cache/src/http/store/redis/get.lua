-- The entry, unless it was stored before an invalidation, and the epoch of responses under way.
-- KEYS: the entry, the epoch of its resource, the epoch of everything, the count of purges.
local of_entry = (redis.call('GET', KEYS[2]) or '') .. '|' .. (redis.call('GET', KEYS[3]) or '')
local of_flight = of_entry .. '|' .. (redis.call('GET', KEYS[4]) or '')
local entry = redis.call('GET', KEYS[1])
if entry and string.sub(entry, 1, 15) == string.sub(redis.sha1hex(of_entry), 1, 15) then
  entry = string.sub(entry, 16)
else
  entry = false
end
return {entry, string.sub(redis.sha1hex(of_flight), 1, 15)}
