-- The windows of one subject, all its tiers in one value, decided by the server's clock.
--
-- KEYS[1]  the subject
-- ARGV[1]  'admit', 'charge' or 'refund'
-- ARGV[2]  cost
-- ARGV[3]  admit: how much to take if there is room for it, at least the cost
--          refund: when it was admitted
-- ARGV[4]  admit: how much later it is to count, in microseconds
-- then for each tier: limit, window and quantum, the latter two in microseconds
--
-- Answers { granted, remaining, tier, when } or { 0, microseconds to wait, tier }.
--
-- A tier is a list of entries { opened, last, count } in order of `last`. An entry counts in full
-- until a window after its last charge; charges within a quantum of its opening join it.

local operation = ARGV[1]
local cost = tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local packed = redis.call('GET', KEYS[1])
local state = packed and cmsgpack.unpack(packed) or {}

local tiers = {}
for i = 5, #ARGV, 3 do
    local tier = { limit = tonumber(ARGV[i]), window = tonumber(ARGV[i + 1]), quantum = tonumber(ARGV[i + 2]) }
    tier.log, tier.charged = {}, 0
    for _, entry in ipairs(state[#tiers + 1] or {}) do
        if now - entry[2] < tier.window then
            tier.log[#tier.log + 1] = entry
            tier.charged = tier.charged + entry[3]
        end
    end
    tiers[#tiers + 1] = tier
end

local function charge(tier, at, amount)
    local log = tier.log
    local place = #log
    while place > 0 and log[place][2] > at do
        place = place - 1
    end
    local entry = log[place]
    if entry and (entry[2] == at or at - entry[1] < tier.quantum) then
        entry[2] = at
        entry[3] = entry[3] + amount
    else
        table.insert(log, place + 1, { at, at, amount })
    end
end

local function refund(tier, at, amount)
    for place, entry in ipairs(tier.log) do
        if entry[1] <= at and at <= entry[2] then
            entry[3] = entry[3] - amount
            if entry[3] <= 0 then
                table.remove(tier.log, place)
            end
            return
        end
    end
end

local function save()
    local expiry, logs = 0, {}
    for i, tier in ipairs(tiers) do
        logs[i] = tier.log
        local newest = tier.log[#tier.log]
        if newest then
            expiry = math.max(expiry, newest[2] + tier.window - now)
        end
    end
    if expiry > 0 then
        redis.call('SET', KEYS[1], cmsgpack.pack(logs), 'PX', string.format('%.0f', math.ceil(expiry / 1000)))
    else
        redis.call('DEL', KEYS[1])
    end
end

if operation == 'charge' then
    for _, tier in ipairs(tiers) do
        charge(tier, now, cost)
    end
    save()
    return { cost, 0, 1, now }
end

if operation == 'refund' then
    for _, tier in ipairs(tiers) do
        refund(tier, tonumber(ARGV[3]), cost)
    end
    save()
    return { 0, 0, 1, now }
end

-- What costs nothing passes when a cost of one would.
local wanted = math.max(cost, 1)
local room, tightest = math.huge, 1
local wait, fullest = 0, 0
for i, tier in ipairs(tiers) do
    local free = tier.limit - tier.charged
    if free < room then
        room, tightest = free, i
    end
    if free < wanted then
        local free_at = now
        for _, entry in ipairs(tier.log) do
            if free >= wanted then
                break
            end
            free = free + entry[3]
            free_at = entry[2] + tier.window
        end
        if free_at - now > wait then
            wait, fullest = free_at - now, i
        end
    end
end
if fullest > 0 then
    return { 0, wait, fullest }
end

local at = now + tonumber(ARGV[4])
local granted = math.min(math.max(tonumber(ARGV[3]), cost), room)
if granted > 0 then
    for _, tier in ipairs(tiers) do
        charge(tier, at, granted)
    end
    save()
end
return { granted, room - granted, tightest, at }
