//! Futures that are dropped before they are done.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;

use super::basics::{at, sample};
use super::{Backend, Broken, Check, ensure};
use crate::{Entry, Precondition, TokenStore};

/// How often a future is polled before it is dropped: from never to when it may be
/// done.
const POLLS: [usize; 7] = [0, 1, 2, 3, 5, 8, 40];

pub(super) async fn dropped<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    let old = sample("old", at(1), at(100))?;
    let new = sample("new", at(2), at(100))?;
    for polls in POLLS {
        // Keys of their own: what was begun may take place later.
        let key = format!("put-{polls}").into_bytes();
        store.put(&key, &old, Precondition::Any).await?;
        begin(store.put(&key, &new, Precondition::Any), polls).await;
        let found = whole(&store, &key).await?;
        ensure!(
            found == Some(old.clone()) || found == Some(new.clone()),
            "a put that was dropped after {polls} polls left {found:?}"
        );
        ensure!(
            polls > 0 || found == Some(old.clone()),
            "a put that was never polled took place"
        );

        let key = format!("remove-{polls}").into_bytes();
        store.put(&key, &old, Precondition::Any).await?;
        begin(store.remove(&key, Precondition::Any), polls).await;
        let found = whole(&store, &key).await?;
        ensure!(
            found.is_none() || found == Some(old.clone()),
            "a removal that was dropped after {polls} polls left {found:?}"
        );
    }
    Ok(())
}

/// Polls a future so many times at most, and drops it.
async fn begin<F: Future>(future: F, polls: usize) {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        // Whether or not there is anything new for it.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The record of a key, if the index agrees with it.
async fn whole<S: TokenStore>(store: &S, key: &[u8]) -> Result<Option<Record>, Broken> {
    let version = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.version);
    loop {
        let before = store.get(key).await?;
        let due = store.due(Timestamp::MAX, None, 1000).await?;
        let after = store.get(key).await?;
        if version(&before) != version(&after) {
            // It took place in between. That happens once.
            continue;
        }
        let due = due.iter().find(|due| *due.key == *key).map(|due| due.due);
        let record = after.map(|entry| entry.record);
        let wanted = record.as_ref().and_then(Record::due);
        ensure!(
            due == wanted,
            "the index says {due:?} of a record that is due {wanted:?}"
        );
        return Ok(record);
    }
}
