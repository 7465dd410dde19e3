//! What a file store promises beyond the contract that all stores keep.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tempfile::TempDir;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{identity, logged_out, opt_out};
use uid2_store::{FileStore, Precondition, StoreError, TokenStore, Version};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

fn user(text: &str, due: i64) -> Record {
    identity(text, at(due), at(10_000)).unwrap()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

/// When the first of all is due.
async fn next_due(store: &FileStore) -> Option<Timestamp> {
    let first = store.due(Timestamp::MAX, None, 1).await.unwrap();
    first.first().map(|first| first.due)
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).await.unwrap();
    let mut versions = Vec::new();
    for number in 0..100_i64 {
        let key = format!("user-{number}");
        let record = user(&key, number);
        versions.push(
            store
                .put(key.as_bytes(), &record, Precondition::Absent)
                .await
                .unwrap(),
        );
    }
    store
        .put(b"left", &opt_out(at(1)), Precondition::Absent)
        .await
        .unwrap();
    store.remove(b"user-50", Precondition::Any).await.unwrap();
    store.close().await;

    let store = FileStore::open(&path).await.unwrap();
    for (number, version) in (0..100_i64).zip(versions) {
        let key = format!("user-{number}");
        let entry = store.get(key.as_bytes()).await.unwrap();
        if number == 50 {
            assert_eq!(entry, None);
        } else {
            let entry = entry.unwrap();
            assert_eq!((entry.record, entry.version), (user(&key, number), version));
        }
    }
    assert_eq!(store.due(at(9999), None, 1000).await.unwrap().len(), 99);
    let stats = store.stats().await.unwrap();
    assert_eq!(
        (stats.records, stats.opt_outs, stats.refreshable),
        (100, 1, 99)
    );
}

#[tokio::test]
async fn versions_do_not_come_back_after_a_restart() {
    let (_folder, path) = folder();
    let mut last = 0;
    for _ in 0..5 {
        let store = FileStore::open(&path).await.unwrap();
        for _ in 0..3 {
            let version = store
                .put(b"k", &opt_out(at(1)), Precondition::Any)
                .await
                .unwrap();
            assert!(version.get() > last, "{version:?} after {last}");
            last = version.get();
            store.remove(b"k", Precondition::Any).await.unwrap();
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_hot_read_is_ready_at_once_and_a_cold_one_is_not_waited_for() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).await.unwrap();
    store
        .put(b"hot", &user("x", 1), Precondition::Absent)
        .await
        .unwrap();
    let Poll::Ready(Ok(Some(_))) = poll_once(store.get(b"hot")) else {
        panic!("what was just put is not in memory");
    };
    // Some may be there by the time they are asked for, on a busy machine; of a
    // store that reads the file itself, all would be.
    let waited_for = (0..1000)
        .filter(|number| poll_once(store.get(format!("cold-{number}").as_bytes())).is_ready())
        .count();
    assert!(waited_for < 1000, "a cold read keeps its thread waiting");
    assert_eq!(store.get(b"cold").await.unwrap(), None);
    // That there is nothing is remembered too.
    let Poll::Ready(Ok(None)) = poll_once(store.get(b"cold")) else {
        panic!("what is not there is asked for again");
    };
    store.close().await;

    let store = FileStore::open(&path).await.unwrap();
    assert!(store.get(b"hot").await.unwrap().is_some());
    assert!(
        poll_once(store.get(b"hot")).is_ready(),
        "what was read is not in memory"
    );
}

#[tokio::test]
async fn the_cache_keeps_to_its_size() {
    let (_folder, path) = folder();
    let store = FileStore::options().cache(128).open(&path).await.unwrap();
    for number in 0..400_i64 {
        let key = number.to_string();
        let record = logged_out(at(1), at(number));
        let put = store.put(key.as_bytes(), &record, Precondition::Any);
        put.await.unwrap();
    }
    let cached = store.stats().await.unwrap().cached;
    assert!((64..=128).contains(&cached), "{cached} in memory");
    for number in (0..400_i64).rev() {
        let entry = store
            .get(number.to_string().as_bytes())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(entry.record, logged_out(at(1), at(number)));
    }
}

/// Holds the file's write lock from outside while many writes come in: they all
/// go into the commit that follows the one that was waiting.
#[tokio::test]
async fn writes_that_come_in_together_share_a_commit() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).await.unwrap();
    let before = store.stats().await.unwrap().commits;
    let outside = rusqlite::Connection::open(&path).unwrap();
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();

    let keys: Vec<_> = (0..64).map(|number| format!("user-{number}")).collect();
    let record = user("x", 1);
    let mut writes: Vec<_> = keys
        .iter()
        .map(|key| Box::pin(store.put(key.as_bytes(), &record, Precondition::Absent)))
        .collect();
    for write in &mut writes {
        assert!(poll_once(write).is_pending());
    }
    // Reads do not wait for writes.
    assert_eq!(store.get(b"user-1").await.unwrap(), None);
    outside.execute_batch("ROLLBACK").unwrap();
    for write in writes {
        write.await.unwrap();
    }
    let commits = store.stats().await.unwrap().commits - before;
    assert!(commits <= 2, "64 writes took {commits} commits");
    assert_eq!(store.due(at(100), None, 100).await.unwrap().len(), 64);
}

/// Readers race with a writer for the cache: what was acknowledged is seen by
/// every read that begins after, and no reader sees time run backwards. What a
/// race may miss, the tests in `src/file/read_through.rs` bring about.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_is_behind_a_write() {
    use std::sync::atomic::{AtomicI64, Ordering};

    for cache in [0, 1, 1000] {
        let (_folder, path) = folder();
        let store = FileStore::options()
            .cache(cache)
            .readers(3)
            .open(&path)
            .await
            .unwrap();
        let acknowledged = Arc::new(AtomicI64::new(0));
        store
            .put(b"clock", &opt_out(at(0)), Precondition::Any)
            .await
            .unwrap();
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                let (store, acknowledged) = (store.clone(), Arc::clone(&acknowledged));
                tokio::spawn(async move {
                    let mut last = at(0);
                    while acknowledged.load(Ordering::SeqCst) >= 0 {
                        let at_least = at(acknowledged.load(Ordering::SeqCst));
                        // Pushes the clock out of a cache that is too small.
                        store
                            .get(format!("other-{reader}").as_bytes())
                            .await
                            .unwrap();
                        let Record::OptOut(seen) =
                            store.get(b"clock").await.unwrap().unwrap().record
                        else {
                            panic!("not what was put");
                        };
                        assert!(seen.at >= at_least, "a read is behind a write");
                        assert!(seen.at >= last, "a read is behind another");
                        last = seen.at;
                    }
                })
            })
            .collect();
        for time in 1..300 {
            store
                .put(b"clock", &opt_out(at(time)), Precondition::Any)
                .await
                .unwrap();
            acknowledged.store(time, Ordering::SeqCst);
        }
        acknowledged.store(-1, Ordering::SeqCst);
        for reader in readers {
            reader.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_write_whose_caller_has_gone_is_whole_or_not_at_all() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).await.unwrap();
    let old = user("old", 1);
    for round in 0..100_i64 {
        store.put(b"k", &old, Precondition::Any).await.unwrap();
        let new = user("new", 100 + round);
        // Begun, and dropped before it can be known to be done.
        let _ = poll_once(store.put(b"k", &new, Precondition::Any));
        let entry = store.get(b"k").await.unwrap().unwrap();
        assert!(entry.record == old || entry.record == new);
        // Behind it in the queue, so it has been decided on by then.
        store.remove(b"other", Precondition::Any).await.unwrap();
        assert_eq!(store.get(b"k").await.unwrap().unwrap().record, new);
        assert_eq!(next_due(&store).await, new.due());

        let _ = poll_once(store.remove(b"k", Precondition::Any));
        store.remove(b"other", Precondition::Any).await.unwrap();
        assert_eq!(store.get(b"k").await.unwrap(), None);
        assert_eq!(next_due(&store).await, None);
    }
    // Never polled, never begun.
    drop(store.put(b"never", &old, Precondition::Any));
    store.remove(b"other", Precondition::Any).await.unwrap();
    assert_eq!(store.get(b"never").await.unwrap(), None);
}

#[tokio::test]
async fn dropping_the_store_finishes_what_was_begun() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).await.unwrap();
    for number in 0..50 {
        let key = format!("user-{number}");
        let _ = poll_once(store.put(key.as_bytes(), &user("x", 1), Precondition::Any));
    }
    drop(store);
    let patient = FileStore::options().wait_for_lock(Duration::from_secs(30));
    let store = patient.open(&path).await.unwrap();
    assert_eq!(store.stats().await.unwrap().records, 50);
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).await.unwrap();
    let other = store.clone();
    store.close().await;
    store.close().await;
    assert!(matches!(other.get(b"k").await, Err(StoreError::Closed)));
    let put = other.put(b"k", &opt_out(at(1)), Precondition::Any).await;
    assert!(matches!(put, Err(StoreError::Closed)));
    let due = other.due(at(1), None, 1).await;
    assert!(matches!(due, Err(StoreError::Closed)));
    assert!(matches!(other.compact().await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn a_full_store_refuses_and_reads_on_and_recovers() {
    let (_folder, path) = folder();
    let options = FileStore::options().max_bytes(200 * 4096);
    let store = options.open(&path).await.unwrap();
    let text = "x".repeat(1500);
    let mut written = Vec::new();
    let error = loop {
        let key = format!("user-{}", written.len());
        match store
            .put(key.as_bytes(), &user(&text, 1), Precondition::Absent)
            .await
        {
            Ok(version) => written.push((key, version)),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full(Some(_))), "{error:?}");
    assert!(written.len() > 50, "full after {}", written.len());

    // Nothing of the refused one, and everything of the others.
    let refused = format!("user-{}", written.len());
    assert_eq!(store.get(refused.as_bytes()).await.unwrap(), None);
    for (key, version) in &written {
        assert_eq!(
            store.get(key.as_bytes()).await.unwrap().unwrap().version,
            *version
        );
    }
    assert!(store.verify().await.unwrap().is_sound());

    // Room is made, and it goes on.
    for (key, _) in &written[..10] {
        assert!(
            store
                .remove(key.as_bytes(), Precondition::Any)
                .await
                .unwrap()
        );
    }
    store
        .put(refused.as_bytes(), &user(&text, 1), Precondition::Absent)
        .await
        .unwrap();
    store.close().await;
    let store = FileStore::open(&path).await.unwrap();
    assert_eq!(
        store.stats().await.unwrap().records,
        u64::try_from(written.len()).unwrap() - 9
    );
    assert!(store.verify().await.unwrap().is_sound());
}

#[tokio::test]
async fn purging_and_compacting_give_the_room_back() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).await.unwrap();
    let text = "x".repeat(2000);
    let writes = (0..600_i64).map(|number| {
        let (store, text) = (store.clone(), text.clone());
        tokio::spawn(async move {
            let record = identity(&text, at(number), at(number)).unwrap();
            store
                .put(&number.to_be_bytes(), &record, Precondition::Absent)
                .await
        })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap().unwrap();
    }
    store.compact().await.unwrap();
    let full = store.stats().await.unwrap();
    assert_eq!(store.purge(at(589), usize::MAX).await.unwrap(), 590);
    store.compact().await.unwrap();
    let small = store.stats().await.unwrap();
    assert_eq!((small.records, small.free_bytes), (10, 0));
    assert!(
        small.file_bytes * 10 < full.file_bytes,
        "{full:?} {small:?}"
    );
    assert!(store.get(&595_i64.to_be_bytes()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_backup_is_a_store() {
    let (folder, path) = folder();
    let copy = folder.path().join("copy.db");
    let store = FileStore::open(&path).await.unwrap();
    let version: Version = store
        .put(b"k", &user("x", 1), Precondition::Absent)
        .await
        .unwrap();
    store.backup(&copy).await.unwrap();
    let again = store.backup(&copy).await.unwrap_err();
    assert!(matches!(again, StoreError::Io(_)), "{again:?}");
    store
        .put(b"later", &user("x", 1), Precondition::Absent)
        .await
        .unwrap();

    let restored = FileStore::open(&copy).await.unwrap();
    let entry = restored.get(b"k").await.unwrap().unwrap();
    assert_eq!((entry.record, entry.version), (user("x", 1), version));
    assert_eq!(restored.get(b"later").await.unwrap(), None);
    assert!(restored.verify().await.unwrap().is_sound());
    // Versions go on, they do not begin anew.
    let next = restored
        .put(b"k", &user("y", 1), Precondition::Any)
        .await
        .unwrap();
    assert!(next.get() > version.get());
}

/// The store has no runtime of its own and needs none.
#[test]
fn works_without_a_runtime() {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => std::thread::park(),
            }
        }
    }
    let (_folder, path) = folder();
    let store = block_on(FileStore::open(path)).unwrap();
    block_on(store.put(b"k", &opt_out(at(1)), Precondition::Any)).unwrap();
    assert!(block_on(store.get(b"k")).unwrap().is_some());
    block_on(store.close());
}

#[cfg(unix)]
#[tokio::test]
async fn others_on_the_machine_cannot_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = folder();
    let store = FileStore::open(&path).await.unwrap();
    store
        .put(b"k", &opt_out(at(1)), Precondition::Any)
        .await
        .unwrap();
    let backup = path.with_extension("backup");
    store.backup(&backup).await.unwrap();
    let wal = path.with_extension("db-wal");
    let lock = path.with_extension("db-lock");
    for file in [&path, &wal, &backup, &lock] {
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o} for {}", file.display());
    }
}
