-- Removes every entry of a tag, and has responses under way not be stored.
-- KEYS: the set of the tag, the count of purges.
redis.call('INCR', KEYS[2])
for _, entry in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  redis.call('UNLINK', entry)
end
redis.call('DEL', KEYS[1])
return 1
