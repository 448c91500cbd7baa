-- KEYS[1]: the count; ARGV: milliseconds to live from the first.
local count = redis.call('INCR', KEYS[1])
if count == 1 then
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return count
