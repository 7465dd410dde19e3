//! Purging, one caller at a time.

use uid2_core::Timestamp;

use super::basics::{at, next_due, put_all, sample};
use super::sample::{logged_out, opt_out};
use super::{Backend, Check, ensure};
use crate::{Precondition, TokenStore};

pub(super) async fn only_expired<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    for (key, record) in [
        (&b"before"[..], sample("1", at(1), at(10))?),
        (b"at", sample("2", at(2), at(20))?),
        (b"after", sample("3", at(3), at(21))?),
        (b"logout", logged_out(at(1), at(20))),
        (b"new logout", logged_out(at(1), at(30))),
        (b"opt-out", opt_out(Timestamp::from_millis(i64::MIN))),
    ] {
        store.put(key, &record, Precondition::Any).await?;
    }
    let purged = store.purge(at(20), 100).await?;
    ensure!(purged == 3, "purged {purged} of 3 that expired");
    for (key, stays) in [
        (&b"before"[..], false),
        (b"at", false),
        (b"after", true),
        (b"logout", false),
        (b"new logout", true),
        (b"opt-out", true),
    ] {
        let found = store.get(key).await?.is_some();
        ensure!(
            found == stays,
            "{:?}: there {found}, should be {stays}",
            String::from_utf8_lossy(key)
        );
    }
    let due = store.due(Timestamp::MAX, None, 10).await?;
    ensure!(due.len() == 1, "what was purged is still due");
    store.purge(Timestamp::MAX, 100).await?;
    ensure!(
        store.get(b"opt-out").await?.is_some(),
        "an opt-out was purged"
    );
    ensure!(
        store.get(b"after").await?.is_none(),
        "an expired identity was not purged"
    );
    ensure!(
        next_due(&store).await?.is_none(),
        "what was purged is still due"
    );
    Ok(())
}

pub(super) async fn limit<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    const COUNT: usize = 700;
    let records: Vec<_> = (0..COUNT)
        .map(|number| {
            (
                format!("user-{number}").into_bytes(),
                logged_out(at(1), at(2)),
            )
        })
        .collect();
    put_all(&store, &records).await?;
    ensure!(
        store.purge(at(2), 0).await? == 0,
        "a limit of zero is not kept"
    );
    ensure!(
        store.purge(at(1), usize::MAX).await? == 0,
        "purged what has not expired"
    );
    let mut left = COUNT;
    for limit in [1, 9, 300] {
        let purged = store.purge(at(2), limit).await?;
        ensure!(purged == limit, "purged {purged}, and {limit} could be");
        left -= purged;
    }
    let purged = store.purge(at(2), usize::MAX).await?;
    ensure!(
        purged == left,
        "purged {purged} of the {left} that were left"
    );
    Ok(())
}
