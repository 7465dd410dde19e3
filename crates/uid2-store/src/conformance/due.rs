//! The due scan, one caller at a time.

use std::collections::HashSet;

use uid2_core::Timestamp;
use uid2_core::lifecycle::{Record, RefreshState};

use super::basics::{at, next_due, put_all, sample};
use super::sample::{logged_out, opt_out};
use super::{Backend, Broken, Check, ensure};
use crate::{DueKey, Precondition, TokenStore};

fn keys(due: &[DueKey]) -> Vec<String> {
    due.iter()
        .map(|due| String::from_utf8_lossy(&due.key).into_owned())
        .collect()
}

pub(super) async fn order<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    for (key, seconds) in [(b"c", 30), (b"a", 10), (b"d", 40), (b"b", 20)] {
        store
            .put(key, &sample("o", at(seconds), at(99))?, Precondition::Any)
            .await?;
    }
    let all = store.due(at(99), None, 10).await?;
    ensure!(
        keys(&all) == ["a", "b", "c", "d"],
        "not in order of time: {:?}",
        keys(&all)
    );
    let times: Vec<_> = all.iter().map(|due| due.due).collect();
    ensure!(
        times == [at(10), at(20), at(30), at(40)],
        "not the times of the records: {times:?}"
    );

    let exactly = store.due(at(20), None, 10).await?;
    ensure!(
        keys(&exactly) == ["a", "b"],
        "due at `now` itself is due: {:?}",
        keys(&exactly)
    );
    let before = store
        .due(Timestamp::from_millis(at(20).as_millis() - 1), None, 10)
        .await?;
    ensure!(
        keys(&before) == ["a"],
        "due a millisecond later is not: {:?}",
        keys(&before)
    );
    ensure!(
        keys(&store.due(at(99), None, 3).await?) == ["a", "b", "c"],
        "the limit is not kept"
    );
    ensure!(
        store.due(at(99), None, 0).await?.is_empty(),
        "a limit of zero is not kept"
    );
    ensure!(
        next_due(&store).await? == Some(at(10)),
        "the next is not the first"
    );
    Ok(())
}

pub(super) async fn pages<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    // Many at the same time, so that pages end between them.
    let mut records = Vec::new();
    for number in 0..50 {
        let record = sample("p", at(number / 10), at(99))?;
        records.push((format!("user-{number}").into_bytes(), record));
    }
    put_all(&store, &records).await?;
    let whole = store.due(at(99), None, usize::MAX).await?;
    ensure!(whole.len() == 50, "{} of 50 are given", whole.len());
    ensure!(
        whole.is_sorted_by_key(|due| due.due),
        "not in order of time"
    );
    for size in [1, 3, 7, 50, 51] {
        let mut paged: Vec<DueKey> = Vec::new();
        loop {
            let page = store.due(at(99), paged.last(), size).await?;
            if page.is_empty() {
                break;
            }
            ensure!(
                page.len() <= size,
                "a page of {} where {size} were asked",
                page.len()
            );
            ensure!(paged.len() <= 50, "the scan does not end");
            paged.extend(page);
        }
        ensure!(
            paged == whole,
            "pages of {size} give something else than the whole"
        );
    }
    let distinct: HashSet<_> = whole.iter().map(|due| &due.key).collect();
    ensure!(distinct.len() == 50, "a key is given twice");
    // A place to go on from may have gone meanwhile.
    let gone = whole.get(9).ok_or_else(|| Broken("no tenth".to_owned()))?;
    store.remove(&gone.key, Precondition::Any).await?;
    let rest = store.due(at(99), Some(gone), usize::MAX).await?;
    ensure!(
        whole.get(10..) == Some(&*rest),
        "does not go on from a place that has gone"
    );
    Ok(())
}

pub(super) async fn follows<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    let due = |record: Record| {
        let store = &store;
        async move {
            store.put(b"k", &record, Precondition::Any).await?;
            let due = store.due(Timestamp::MAX, None, 10).await?;
            let expected = record.due();
            let found = due.first().map(|due| due.due);
            ensure!(due.len() <= 1, "a record is due {} times", due.len());
            ensure!(
                found == expected,
                "due {found:?}, and should be {expected:?}"
            );
            Ok(())
        }
    };
    due(sample("f", at(10), at(99))?).await?;
    due(sample("f", at(5), at(99))?).await?;
    due(sample("f", at(50), at(99))?).await?;
    let Record::Identity(mut stored) = sample("f", at(50), at(99))? else {
        return Err(Broken("the sample is no identity".to_owned()));
    };
    stored.refresh = RefreshState::Backoff {
        failures: 1,
        since: at(60),
        until: at(70),
    };
    due(Record::Identity(stored.clone())).await?;
    stored.refresh = RefreshState::Ended;
    due(Record::Identity(stored)).await?;
    due(sample("f", at(10), at(99))?).await?;
    due(logged_out(at(11), at(12))).await?;
    due(sample("f", at(10), at(99))?).await?;
    due(opt_out(at(13))).await
}

pub(super) async fn extremes<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    let far = Timestamp::from_millis(253_402_300_799_999);
    for (key, due) in [
        (&b""[..], Timestamp::from_millis(-62_135_596_800_000)),
        (b"zero", Timestamp::EPOCH),
        (b"far", Timestamp::from_millis(far.as_millis() - 1)),
    ] {
        store
            .put(key, &sample("x", due, far)?, Precondition::Any)
            .await?;
    }
    let all = store.due(Timestamp::MAX, None, 10).await?;
    ensure!(
        keys(&all) == ["", "zero", "far"],
        "the years 1 to 9999 are not in order: {:?}",
        keys(&all)
    );
    let first = store.due(Timestamp::MAX, all.first(), 10).await?;
    ensure!(
        keys(&first) == ["zero", "far"],
        "does not go on after the empty key"
    );
    let none = store
        .due(Timestamp::from_millis(i64::MIN), None, 10)
        .await?;
    ensure!(none.is_empty(), "due before all time: {:?}", keys(&none));
    Ok(())
}
