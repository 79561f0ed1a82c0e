-- The pace of one number in Redis: `local.py` in the words of Redis. Every instruction is one round trip, on the server's clock.
--
-- KEYS: the number's state, its campaigns, then one key for each person. ARGV[1] names the instruction, the rest is its own.
-- What stands between dollar signs is filled in from `rules.py`.

local began_at = redis.call('TIME')
local now = tonumber(began_at[1]) + tonumber(began_at[2]) / 1000000
local FIELDS = { 'all_due', 'campaigns_due', 'plateau', 'cut_at', 'hold', 'slow', 'slow_until' }
local state = {}
for i, value in ipairs(redis.call('HMGET', KEYS[1], unpack(FIELDS))) do
  state[FIELDS[i]] = value and tonumber(value) or nil
end

local function save(...)
  local kept = { ... }
  for i = 2, #kept, 2 do
    kept[i] = string.format('%.6f', kept[i])
  end
  redis.call('HSET', KEYS[1], unpack(kept))
  local keep = math.max($KEEP, (state.hold or 0) - now + $KEEP)
  redis.call('PEXPIRE', KEYS[1], math.ceil(keep * 1000))
end

local function rate_of(full)
  local rate = full
  if state.plateau then
    local since = now - state.cut_at
    local climbed = state.plateau + state.plateau * (1 - $CUT) * (since / $CLIMB - 1) ^ 3
    rate = math.min(full, math.max(climbed, math.min($SLOWEST, full)))
  end
  if now < (state.slow_until or 0) then
    rate = math.min(rate, full * state.slow)
  end
  return rate
end

local function due_of(due)
  return math.max(due or now, now - $SLACK)
end

local function burst_of(value)
  if not value then
    return now, now
  end
  local began, paid = string.match(value, '(%S+) (%S+)')
  return tonumber(began), tonumber(paid)
end

local function pair_wait(value)
  local began, paid = burst_of(value)
  local burst = paid - began < $PAIR_BURST * $PAIR_INTERVAL and now - began < $PAIR_WINDOW
  return (paid <= now or burst) and 0 or paid - now
end

local function keep_pair(key, began, paid)
  local left = math.max(1, math.ceil((paid - now) * 1000))
  redis.call('SET', key, string.format('%.6f %.6f', began, paid), 'PX', left)
end

local function count_pair(key, value)
  local began, paid = burst_of(value)
  if paid <= now then
    began, paid = now, now + $PAIR_MARGIN
  end
  keep_pair(key, began, paid + $PAIR_INTERVAL)
end

local function milliseconds(seconds)
  return math.ceil(seconds * 1000)
end

-- The campaign's own due time, and its share of the rate among those that have asked of late.
local function share_of(campaign, weight)
  local own, total = nil, weight
  local known = redis.call('HGETALL', KEYS[2])
  for i = 1, #known, 2 do
    local due, seen, its_weight = string.match(known[i + 1], '(%S+) (%S+) (%S+)')
    local is_active = now - tonumber(seen) < $ACTIVE
    if not is_active then
      redis.call('HDEL', KEYS[2], known[i])
    elseif known[i] == campaign then
      own = tonumber(due)
    else
      total = total + tonumber(its_weight)
    end
  end
  -- Who comes to others begins like them, without anything saved up.
  return own or (total == weight and now - $SLACK or now), weight / total
end

local instructions = {}

-- full, headroom, campaign, weight. Answers: milliseconds to wait, the rate in thousandths, milliseconds for each person.
function instructions.take()
  local full, headroom = tonumber(ARGV[2]), tonumber(ARGV[3])
  local campaign, weight = ARGV[4], tonumber(ARGV[5])
  local rate = rate_of(full)
  local kept = redis.call('MGET', unpack(KEYS, 3))
  local answer, places = { 0, math.floor(rate * 1000) }, 0
  for i = 1, #KEYS - 2 do
    local wait = pair_wait(kept[i])
    places = places + (wait == 0 and 1 or 0)
    answer[i + 2] = milliseconds(wait)
  end
  local all, campaigns = due_of(state.all_due), due_of(state.campaigns_due)
  local own, share = share_of(campaign, weight)
  local open_at = math.max(all, campaigns, state.hold or 0)
  local wait = math.max(open_at, math.min(own, math.max(all, campaigns) + $SURPLUS)) - now
  if places > 0 and wait > 0 then
    answer[1] = math.max(1, milliseconds(wait))
  elseif places > 0 then
    local campaign_rate = rate * (1 - headroom)
    save('all_due', all + places / rate, 'campaigns_due', campaigns + places / campaign_rate)
    own = math.min(math.max(own, now - $SLACK) + places / (campaign_rate * share), now + $DEBT)
    for i = 1, #KEYS - 2 do
      if answer[i + 2] == 0 then
        count_pair(KEYS[i + 2], kept[i])
      end
    end
  end
  redis.call('HSET', KEYS[2], campaign, string.format('%.6f %.6f %d', own, now, weight))
  redis.call('PEXPIRE', KEYS[2], milliseconds($KEEP))
  return answer
end

-- full, most. Answers: milliseconds to wait.
function instructions.reply()
  local full, most = tonumber(ARGV[2]), tonumber(ARGV[3])
  local due = due_of(state.all_due)
  local wait = math.max(due, state.hold or 0) - now
  save('all_due', math.min(due + 1 / rate_of(full), now + math.max(most, 0)))
  local kept = redis.call('GET', KEYS[3])
  local pair = pair_wait(kept)
  if pair == 0 then
    count_pair(KEYS[3], kept)
  end
  return milliseconds(math.min(math.max(wait, pair, 0), most))
end

-- full, retry_after.
function instructions.throttled()
  local full, retry_after = tonumber(ARGV[2]), tonumber(ARGV[3])
  if now - (state.cut_at or 0) >= $CUT_PAUSE then
    local all, campaigns = math.max(state.all_due or now, now), math.max(state.campaigns_due or now, now)
    save('plateau', rate_of(full) * $PLATEAU, 'cut_at', now, 'all_due', all, 'campaigns_due', campaigns)
  end
  state.hold = math.max(state.hold or 0, now + retry_after)
  save('hold', state.hold)
end

-- wait.
function instructions.pair_refused()
  keep_pair(KEYS[3], now - $PAIR_WINDOW, now + tonumber(ARGV[2]))
end

-- share, seconds.
function instructions.slow()
  save('slow', tonumber(ARGV[2]), 'slow_until', now + tonumber(ARGV[3]))
end

-- full. Answers: the rate in thousandths.
function instructions.rate()
  return math.floor(rate_of(tonumber(ARGV[2])) * 1000)
end

return instructions[ARGV[1]]()
