//! The due scan over all shards.

use futures_util::future::try_join_all;
use redis::Value;
use uid2_core::Timestamp;

use super::connection::typed;
use super::{RedisStore, Shard, scripts};
use crate::{DueKey, StoreError};

/// How far one shard has been read.
struct Part {
    shard: Shard,
    /// Where to go on: after this time and stored key.
    last: Option<(i64, Vec<u8>)>,
    /// Whether there is no more.
    done: bool,
}

/// An entry of the index: when, stored as, and the caller's key if it is known.
type Found = (i64, Vec<u8>, Option<Box<[u8]>>);

/// Ordered by time and then by stored key, over all shards.
pub(super) async fn due(
    store: &RedisStore,
    now: Timestamp,
    after: Option<&DueKey>,
    limit: usize,
) -> Result<Vec<DueKey>, StoreError> {
    let after = after.map(|after| {
        let stored_key = store.shared.codec.stored_key(&after.key);
        (after.due.as_millis(), stored_key.into_owned())
    });
    let mut parts: Vec<_> = store
        .shards()
        .map(|shard| Part {
            shard,
            last: after.clone(),
            done: limit == 0,
        })
        .collect();
    let mut found: Vec<Found> = Vec::new();
    loop {
        found.sort();
        // A shard must be read on if what it has not given yet may belong before
        // the last entry that will be given.
        let cut = found.get(limit.saturating_sub(1));
        let cut = cut.map(|(time, stored_key, _)| (*time, stored_key.clone()));
        let open = parts
            .iter_mut()
            .filter(|part| !part.done && (cut.is_none() || part.last < cut));
        let step = (limit / 32).clamp(16, 512);
        let pages = open.map(|part| read_on(store, part, now, step));
        let pages = try_join_all(pages).await?;
        if pages.is_empty() {
            break;
        }
        // Values that do not open are left out, as nobody could do anything
        // about them here.
        found.extend(
            pages
                .into_iter()
                .flatten()
                .filter(|found| found.2.is_some()),
        );
    }
    let due = found.into_iter().take(limit).filter_map(|(time, _, key)| {
        let due = Timestamp::from_millis(time);
        key.map(|key| DueKey { due, key })
    });
    Ok(due.collect())
}

async fn read_on(
    store: &RedisStore,
    part: &mut Part,
    now: Timestamp,
    step: usize,
) -> Result<Vec<Found>, StoreError> {
    let codec = &store.shared.codec;
    let mut invocation = scripts::DUE_SCRIPT.key(&part.shard.due);
    invocation
        .key(&part.shard.expiry)
        .arg(&part.shard.records)
        .arg(now.as_millis())
        .arg(step)
        .arg(if codec.keeps_keys() { "0" } else { "1" })
        .arg(if store.shared.read_only { "1" } else { "0" });
    if let Some((time, stored_key)) = &part.last {
        invocation.arg(time).arg(&stored_key[..]);
    }
    let page: Vec<Value> = invocation
        .invoke_async(&mut store.connection.clone())
        .await
        .map_err(typed)?;
    let mut found = Vec::with_capacity(step);
    for entry in page.chunks_exact(3) {
        let [stored_key, time, value] = entry else {
            continue;
        };
        let stored_key = bytes(stored_key)?;
        let time = score(time)?;
        let key = if codec.keeps_keys() {
            Some(Box::from(stored_key))
        } else {
            let opened = codec.decode_entry(stored_key, bytes(value)?);
            opened.ok().map(|(key, _)| Box::from(&*key))
        };
        found.push((time, stored_key.to_vec(), key));
    }
    part.done = found.len() < step;
    if let Some((time, stored_key, _)) = found.last() {
        part.last = Some((*time, stored_key.clone()));
    }
    Ok(found)
}

fn bytes(value: &Value) -> Result<&[u8], StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.as_bytes()),
        _ => Err(StoreError::Damaged),
    }
}

/// Scores are doubles, exact for times up to the year 287,396.
fn score(value: &Value) -> Result<i64, StoreError> {
    let text = std::str::from_utf8(bytes(value)?).map_err(|_| StoreError::Damaged)?;
    let number: f64 = text.parse().map_err(|_| StoreError::Damaged)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time that is out of range becomes the nearest"
    )]
    Ok(number as i64)
}
