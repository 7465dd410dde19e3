//! From the file, and into the cache if it is certainly still so.

use rusqlite::Connection;

use super::cache::Cache;
use super::reader;
use crate::{Codec, Entry, StoreError};

/// `pause` comes between reading and entering what was read: where a writer must
/// not be overlooked. For tests; otherwise it does nothing.
pub(super) fn get(
    connection: &Connection,
    cache: &Cache,
    codec: &Codec,
    key: &[u8],
    pause: impl FnOnce(),
) -> Result<Option<Entry>, StoreError> {
    let ticket = cache.ticket(key);
    let entry = reader::get(connection, codec, &codec.stored_key(key))?;
    pause();
    if let Some(ticket) = ticket {
        cache.fill(key, ticket, entry.clone());
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use futures_util::future::join;
    use uid2_core::Timestamp;
    use uid2_core::lifecycle::{Policy, Record};

    use super::super::FileStore;
    use super::*;
    use crate::{Precondition, TokenStore};

    fn record(seconds: i64) -> Record {
        Policy::default().on_publisher_opt_out(Timestamp::from_secs(seconds))
    }

    /// A reader has read the old record, and is held up while a writer puts or
    /// removes it and is answered. What the reader then enters must not be what
    /// the next one gets.
    #[tokio::test]
    async fn no_read_is_behind_a_write_that_overtook_another_read() {
        for (before, after) in [
            (Some(record(1)), Some(record(2))),
            (Some(record(1)), None),
            (None, Some(record(2))),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.db");
            let store = FileStore::open(&path).await.unwrap();
            if let Some(before) = &before {
                store.put(b"k", before, Precondition::Any).await.unwrap();
            }
            store.close().await;
            // Opened anew: nothing is in memory.
            let store = FileStore::open(&path).await.unwrap();
            let (cache, codec) = (Arc::clone(&store.0.cache), store.0.codec.clone());
            let (has_read, go_on) = (channel(), channel());
            let held_up = store.read(move |connection| {
                get(connection, &cache, &codec, b"k", || {
                    has_read.0.send(()).unwrap();
                    go_on.1.recv().unwrap();
                })
            });
            let overtakes = async {
                has_read.1.recv().unwrap();
                let when = Precondition::Any;
                match &after {
                    Some(after) => drop(store.put(b"k", after, when).await.unwrap()),
                    None => drop(store.remove(b"k", when).await.unwrap()),
                }
                go_on.0.send(()).unwrap();
            };
            let (old, ()) = join(held_up, overtakes).await;
            assert_eq!(old.unwrap().map(|entry| entry.record), before);
            let found = store.get(b"k").await.unwrap().map(|entry| entry.record);
            assert_eq!(found, after, "a read is behind a write");
            store.close().await;
        }
    }
}
