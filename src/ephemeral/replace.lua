-- KEYS[1]: the key; ARGV: the value that must stand there, the new one, milliseconds to live.
local current = redis.call('GET', KEYS[1])
if current == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1
end
-- The same call, whose answer was lost, may have been here before.
if current == ARGV[2] then
    return 1
end
return 0
