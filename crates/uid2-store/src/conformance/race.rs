//! Many callers at a time, each on a thread of its own.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use uid2_core::lifecycle::Record;

use super::basics::{at, sample};
use super::sample::{logged_out, opt_out};
use super::{Backend, Broken, Check, ensure};
use crate::{DueKey, Entry, Precondition, StoreError, TokenStore};

const CALLERS: usize = 8;
const ROUNDS: usize = 40;
const SCANS: usize = 5;

/// Runs the same on many threads; the first that breaks is the result.
fn callers<S: TokenStore + Clone>(store: &S, body: impl Fn(usize, S) -> Check + Sync) -> Check {
    let body = &body;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..CALLERS)
            .map(|number| {
                let store = store.clone();
                scope.spawn(move || body(number, store))
            })
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(Broken("a caller panicked".to_owned())))
        })
    })
}

/// Some callers who are at work, and others who go on until those are done: on one
/// core, they would be done before the former begin.
struct Busy(AtomicUsize);

impl Busy {
    const fn new(callers: usize) -> Self {
        Self(AtomicUsize::new(callers))
    }

    /// One is at work until this is dropped, also if it breaks off.
    const fn begin(&self) -> AtWork<'_> {
        AtWork(self)
    }

    fn meanwhile(&self, mut body: impl FnMut() -> Check) -> Check {
        loop {
            let last = self.0.load(Ordering::Acquire) == 0;
            body()?;
            if last {
                return Ok(());
            }
            thread::yield_now();
        }
    }
}

struct AtWork<'a>(&'a Busy);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Release);
    }
}

/// A record that holds a number: a clock's that an update reads, increments and
/// writes back.
fn counted(number: i64) -> Record {
    opt_out(at(number))
}

fn count(entry: &Entry) -> Result<i64, Broken> {
    match &entry.record {
        Record::OptOut(opt_out) => Ok((opt_out.at.as_millis() - at(0).as_millis()) / 1000),
        other => Err(Broken(format!("put a number, got {other:?}"))),
    }
}

pub(super) fn sums<B: Backend>(backend: &B) -> Check {
    let store = backend.block_on(backend.empty());
    callers(&store, |_, store| {
        backend.block_on(async {
            for _ in 0..ROUNDS {
                increment(&store).await?;
            }
            Ok(())
        })
    })?;
    let entry = backend.block_on(store.get(b"counter"))?;
    let sum = entry.as_ref().map_or(Ok(0), count)?;
    let expected = i64::try_from(CALLERS * ROUNDS).unwrap_or(i64::MAX);
    ensure!(sum == expected, "{expected} increments made {sum}");
    Ok(())
}

async fn increment<S: TokenStore>(store: &S) -> Check {
    loop {
        let entry = store.get(b"counter").await?;
        let next = entry.as_ref().map_or(Ok(0), count)? + 1;
        let when = Precondition::unchanged(entry.as_ref());
        match store.put(b"counter", &counted(next), when).await {
            Ok(_) => return Ok(()),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Creators and removers of the same keys: each creation is of one caller, and
/// so is each removal.
pub(super) fn creators<B: Backend>(backend: &B) -> Check {
    let store = backend.block_on(backend.empty());
    let (created, removed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    callers(&store, |number, store| {
        backend.block_on(async {
            for round in 0..ROUNDS {
                let key = format!("key-{}", round % 5);
                if (round + number) % 2 == 0 {
                    match store
                        .put(key.as_bytes(), &counted(1), Precondition::Absent)
                        .await
                    {
                        Ok(_) => drop(created.fetch_add(1, Ordering::Relaxed)),
                        Err(StoreError::Conflict) => {}
                        Err(error) => return Err(error.into()),
                    }
                } else if store.remove(key.as_bytes(), Precondition::Any).await? {
                    removed.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(())
        })
    })?;
    let mut left = 0;
    for number in 0..5 {
        let key = format!("key-{number}");
        left += usize::from(backend.block_on(store.get(key.as_bytes()))?.is_some());
    }
    let (created, removed) = (created.into_inner(), removed.into_inner());
    ensure!(
        created == removed + left,
        "{created} were created, {removed} removed, and {left} are left"
    );
    Ok(())
}

/// While others change, a scan gives every record that stays, in order. (That
/// none comes twice can only be said of a single call: between two, a record may
/// move to where the scan has yet to come.)
pub(super) fn due_scan<B: Backend>(backend: &B) -> Check {
    let store = backend.block_on(backend.empty());
    let stays: HashSet<Box<[u8]>> = (0..40)
        .map(|number| format!("stays-{number}").into_bytes().into())
        .collect();
    backend.block_on(async {
        for (number, key) in (0..).zip(&stays) {
            let record = sample("s", at(number), at(9999))?;
            store.put(key, &record, Precondition::Absent).await?;
        }
        Ok::<_, Broken>(())
    })?;
    let scanning = Busy::new(CALLERS - 2);
    callers(&store, |number, store| {
        if number < 2 {
            return scanning.meanwhile(|| backend.block_on(change(&store, number)));
        }
        let _done = scanning.begin();
        for _ in 0..SCANS {
            let found = backend.block_on(scan(&store))?;
            let found: HashSet<_> = found.into_iter().map(|due| due.key).collect();
            ensure!(
                stays.is_subset(&found),
                "a scan leaves out records that did not change"
            );
        }
        Ok(())
    })
}

/// Creates, moves and removes records that no scan counts on.
async fn change<S: TokenStore>(store: &S, number: usize) -> Check {
    for round in 0..60 {
        let key = format!("moves-{number}-{}", round % 7);
        let record = sample("m", at((round * 997) % 5000), at(9999))?;
        store
            .put(key.as_bytes(), &record, Precondition::Any)
            .await?;
        if round % 5 == 0 {
            store.remove(key.as_bytes(), Precondition::Any).await?;
        }
    }
    Ok(())
}

async fn scan<S: TokenStore>(store: &S) -> Result<Vec<DueKey>, Broken> {
    let mut found: Vec<DueKey> = Vec::new();
    loop {
        let page = store.due(at(9000), found.last(), 7).await?;
        if page.is_empty() {
            break;
        }
        let distinct: HashSet<_> = page.iter().map(|due| &due.key).collect();
        ensure!(distinct.len() == page.len(), "a record comes twice");
        found.extend(page);
    }
    ensure!(
        found.is_sorted_by_key(|due| due.due),
        "a scan is not in order of time"
    );
    Ok(found)
}

/// A record that is renewed while it is being purged is either gone or new.
pub(super) fn purge<B: Backend>(backend: &B) -> Check {
    let store = backend.block_on(backend.empty());
    let renewing = Busy::new(CALLERS - 2);
    callers(&store, |number, store| {
        if number < 2 {
            return renewing.meanwhile(|| {
                backend.block_on(store.purge(at(10), 100))?;
                Ok(())
            });
        }
        let _done = renewing.begin();
        let key = format!("user-{number}");
        backend.block_on(async {
            for round in 0..ROUNDS {
                store
                    .put(key.as_bytes(), &logged_out(at(0), at(5)), Precondition::Any)
                    .await?;
                let renewed = sample("p", at(20), at(100 + i64::try_from(round).unwrap_or(0)))?;
                store
                    .put(key.as_bytes(), &renewed, Precondition::Any)
                    .await?;
                let found = store.get(key.as_bytes()).await?.map(|entry| entry.record);
                ensure!(found == Some(renewed), "a living record was purged");
            }
            Ok(())
        })
    })?;
    let due = backend.block_on(store.due(at(9999), None, 100))?;
    ensure!(
        due.len() == CALLERS - 2,
        "{} of {} are due",
        due.len(),
        CALLERS - 2
    );
    Ok(())
}
