//! The steps that Redis takes as one.
//!
//! Each works on one shard, whose keys share a hash tag, so on Redis Cluster all
//! are on one node. Keys of a shard:
//!
//! ```text
//! <prefix>:{<shard>}:r:<stored key>   hash: v version, d value, o the last operations
//! <prefix>:{<shard>}:due              sorted set: stored keys by due time
//! <prefix>:{<shard>}:exp              sorted set: stored keys by expiry, opt-outs at +inf
//! <prefix>:{<shard>}:seq              the last version given out
//! <prefix>:{<shard>}:l:<stored key>   the token of who has the lease
//! <prefix>:{<shard>}:o:<operation>    for a minute: what an operation answered
//! ```
//!
//! Scripts compute the names of records from the stored keys in the index: these
//! have the same hash tag as the keys that they declare.

use std::sync::LazyLock;

use redis::Script;

/// Checks the precondition in `when`: `any`, `absent` or a version.
const PRECONDITION: &str = "
    local function holds(version, when)
        if when == 'any' then return true end
        if when == 'absent' then return not version end
        return version == when
    end
";

/// KEYS: record, due, exp, seq, answer.
/// ARGV: when, operation, stored key, value, due or '', expires or '', grace in ms,
/// for how long answers are kept in ms, what their names begin with.
/// Gives the version, or nil for a conflict.
///
/// An operation that a client has sent twice, because a connection broke before
/// its answer came, takes place once: else it would undo what others have done
/// since, a logout perhaps. So a record keeps its last four operations, 16 bytes
/// each with the 20 digits of the version that it gave; what further writes push out
/// or a removal takes away of them is kept for a while on its own. A version is the time in microseconds, or
/// one more than the last: so that none comes back even if the server has lost
/// its data. A record outlives its expiry by `grace` on the server's clock.
const PUT: &str = "
    local answered = redis.call('GET', KEYS[5])
    if answered then return answered end
    local version, last = unpack(redis.call('HMGET', KEYS[1], 'v', 'o'))
    last = last or ''
    for place = 1, #last - 35, 36 do
        if last:sub(place, place + 15) == ARGV[2] then return last:sub(place + 16, place + 35) end
    end
    if not holds(version, ARGV[1]) then return false end

    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local former = tonumber(redis.call('GET', KEYS[4]) or '0')
    version = string.format('%.0f', math.max(now, former + 1))
    redis.call('SET', KEYS[4], version)
    if #last >= 144 then
        redis.call('SET', ARGV[9] .. last:sub(109, 124), last:sub(125, 144), 'PX', ARGV[8])
    end
    last = ARGV[2] .. string.rep('0', 20 - #version) .. version .. last:sub(1, 108)
    redis.call('HSET', KEYS[1], 'v', version, 'o', last, 'd', ARGV[4])

    if ARGV[5] == '' then redis.call('ZREM', KEYS[2], ARGV[3])
    else redis.call('ZADD', KEYS[2], ARGV[5], ARGV[3]) end

    local expires = tonumber(ARGV[6])
    redis.call('ZADD', KEYS[3], expires and ARGV[6] or '+inf', ARGV[3])
    local gone = math.max(expires or 0, now / 1000) + tonumber(ARGV[7])
    if expires and gone < 1e15 then
        redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', gone))
    else
        redis.call('PERSIST', KEYS[1])
    end
    return version
";

/// KEYS: record, due, exp, answer. ARGV: when, stored key, for how long answers are
/// kept in ms, what their names begin with. Gives 1, 0, or nil for a conflict.
///
/// As with `PUT`, what was sent twice takes place once.
const REMOVE: &str = "
    local answered = redis.call('GET', KEYS[4])
    if answered then return tonumber(answered) end
    local version, last = unpack(redis.call('HMGET', KEYS[1], 'v', 'o'))
    if not holds(version, ARGV[1]) then return false end
    redis.call('ZREM', KEYS[2], ARGV[2])
    redis.call('ZREM', KEYS[3], ARGV[2])
    local removed = redis.call('DEL', KEYS[1])
    redis.call('SET', KEYS[4], removed, 'PX', ARGV[3])
    last = last or ''
    for place = 1, #last - 35, 36 do
        local operation, version = last:sub(place, place + 15), last:sub(place + 16, place + 35)
        redis.call('SET', ARGV[4] .. operation, version, 'PX', ARGV[3])
    end
    return removed
";

/// KEYS: due, exp. ARGV: what records' names begin with, now, limit, '1' if
/// values are wanted, '1' if nothing may be written, and to go on: after this
/// time and stored key. Gives stored key, time and value or '' in turn.
///
/// Order within the same time is that of the bytes, as Redis keeps it. Entries
/// of records that have outlived their grace are taken out on the way.
const DUE: &str = "
    local function not_after(one, other)
        for place = 1, math.min(#one, #other) do
            local a, b = one:byte(place), other:byte(place)
            if a ~= b then return a < b end
        end
        return #one <= #other
    end
    local found, gone = {}, {}
    local limit, offset = tonumber(ARGV[3]), 0
    local min, step = ARGV[6] or '-inf', limit + 8
    local since = tonumber(ARGV[6] or 'nan')
    while #found < limit * 3 do
        local page = redis.call('ZRANGEBYSCORE', KEYS[1], min, ARGV[2],
            'WITHSCORES', 'LIMIT', offset, step)
        for place = 1, #page, 2 do
            local key, score = page[place], page[place + 1]
            local seen = tonumber(score) == since and not_after(key, ARGV[7])
            if not seen and #found < limit * 3 then
                local value = redis.call('HGET', ARGV[1] .. key, ARGV[4] == '1' and 'd' or 'v')
                if value then
                    found[#found + 1] = key
                    found[#found + 1] = score
                    found[#found + 1] = ARGV[4] == '1' and value or ''
                else
                    gone[#gone + 1] = key
                end
            end
        end
        if #page < step * 2 then break end
        offset = offset + step
    end
    if ARGV[5] == '1' then return found end
    for _, key in ipairs(gone) do
        redis.call('ZREM', KEYS[1], key)
        redis.call('ZREM', KEYS[2], key)
    end
    return found
";

/// KEYS: due, exp. ARGV: what records' names begin with, before, limit.
/// Gives how many entries were taken out, and how many of them had a record.
const PURGE: &str = "
    local keys = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
    local removed = 0
    for _, key in ipairs(keys) do
        removed = removed + redis.call('DEL', ARGV[1] .. key)
        redis.call('ZREM', KEYS[1], key)
        redis.call('ZREM', KEYS[2], key)
    end
    return {#keys, removed}
";

/// KEYS: record. ARGV: version, value. Writes the value anew if the version is
/// still the same; it and the time to live stay.
const RESEAL: &str = "
    if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then return 0 end
    redis.call('HSET', KEYS[1], 'd', ARGV[2])
    return 1
";

/// KEYS: lease. ARGV: token. Gives 1 if it was still held.
const RELEASE: &str = "
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
    return redis.call('DEL', KEYS[1])
";

fn with_precondition(script: &str) -> Script {
    Script::new(&[PRECONDITION, script].concat())
}

pub(super) static PUT_SCRIPT: LazyLock<Script> = LazyLock::new(|| with_precondition(PUT));
pub(super) static REMOVE_SCRIPT: LazyLock<Script> = LazyLock::new(|| with_precondition(REMOVE));
pub(super) static DUE_SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(DUE));
pub(super) static PURGE_SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(PURGE));
pub(super) static RESEAL_SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(RESEAL));
pub(super) static RELEASE_SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(RELEASE));
