//! Disks that are full, and other processes.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::identity;
use uid2_store::{FileStore, Precondition, StoreError, TokenStore};

fn user(text: &str) -> Record {
    let due = Timestamp::from_secs(1_700_000_000);
    identity(text, due, Timestamp::from_secs(1 << 33)).unwrap()
}

fn text() -> String {
    "x".repeat(3000)
}

/// Fills the store until it refuses. Then what was acknowledged must be there,
/// and nothing else.
async fn fill(path: &Path) -> StoreError {
    let store = FileStore::open(path).await.unwrap();
    let record = user(&text());
    let mut count = 0;
    let error = loop {
        assert!(count < 20_000, "the disk does not get full");
        let key = format!("user-{count}");
        match store
            .put(key.as_bytes(), &record, Precondition::Absent)
            .await
        {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(count > 20, "full after {count}: {error:?}");
    check(&store, count).await;
    assert!(
        store
            .get(format!("user-{count}").as_bytes())
            .await
            .unwrap()
            .is_none()
    );
    store.close().await;
    error
}

async fn check(store: &FileStore, count: usize) {
    for number in 0..count {
        let entry = store
            .get(format!("user-{number}").as_bytes())
            .await
            .unwrap();
        assert!(entry.is_some(), "user {number} of {count} is gone");
    }
    let due = store.due(Timestamp::MAX, None, usize::MAX).await.unwrap();
    assert_eq!(due.len(), count);
    assert!(store.verify().await.unwrap().is_sound());
}

/// A file system of two megabytes, gone when dropped.
struct Tiny(TempDir);

impl Tiny {
    /// `None` where this process may not mount.
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(folder))
    }

    fn remount(&self, option: &str) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,{option}")])
            .arg(self.0.path())
            .status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk() {
    let Some(tiny) = Tiny::mount() else {
        println!("SKIPPED a_full_disk: this process may not mount a file system");
        return;
    };
    let path = tiny.0.path().join("store.db");
    let error = fill(&path).await;
    assert!(matches!(error, StoreError::Full(Some(_))), "{error:?}");
    assert!(!error.is_retryable());

    // With room, it goes on where it was.
    tiny.remount("size=8m");
    let store = FileStore::open(&path).await.unwrap();
    let count = usize::try_from(store.stats().await.unwrap().records).unwrap();
    store
        .put(b"new", &user("x"), Precondition::Absent)
        .await
        .unwrap();
    assert!(store.remove(b"new", Precondition::Any).await.unwrap());
    check(&store, count).await;
    store.close().await;
}

#[tokio::test]
async fn a_read_only_file_system() {
    let Some(tiny) = Tiny::mount() else {
        println!("SKIPPED a_read_only_file_system: this process may not mount a file system");
        return;
    };
    let path = tiny.0.path().join("store.db");
    let store = FileStore::open(&path).await.unwrap();
    store
        .put(b"user-0", &user("x"), Precondition::Absent)
        .await
        .unwrap();
    store.close().await;
    tiny.remount("ro");

    let store = FileStore::open(&path).await.unwrap();
    assert!(store.is_read_only());
    check(&store, 1).await;
    let error = store
        .remove(b"user-0", Precondition::Any)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
    store.close().await;
    let nowhere = FileStore::open(tiny.0.path().join("other.db"))
        .await
        .unwrap_err();
    assert!(matches!(nowhere, StoreError::ReadOnly(_)), "{nowhere:?}");
}

/// This program again, as a child that runs only the test of this name.
fn child(test: &str, role: &str, path: &Path, limits: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{limits} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("UID2_STORE_TEST_ROLE", role)
        .env("UID2_STORE_TEST_PATH", path);
    command
}

fn role(role: &str) -> Option<PathBuf> {
    let given = std::env::var("UID2_STORE_TEST_ROLE").ok()?;
    let path = std::env::var_os("UID2_STORE_TEST_PATH")?;
    (given == role).then(|| PathBuf::from(path))
}

/// Writing fails with an error that is not "full": a file may not grow.
#[tokio::test]
async fn a_write_that_fails() {
    if let Some(path) = role("limited") {
        let error = fill(&path).await;
        println!(
            "\nLIMITED {}",
            matches!(error, StoreError::Io(_) | StoreError::Full(_))
        );
        return;
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    // In blocks of 512 bytes; the signal that would end the process is ignored.
    let limits = "ulimit -f 1500 && trap '' XFSZ &&";
    let output = child("a_write_that_fails", "limited", &path, limits)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("LIMITED true"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );

    // Without the limit, it goes on where it was.
    let store = FileStore::open(&path).await.unwrap();
    let count = usize::try_from(store.stats().await.unwrap().records).unwrap();
    check(&store, count).await;
    store
        .put(b"new", &user("x"), Precondition::Absent)
        .await
        .unwrap();
}

#[tokio::test]
async fn another_process() {
    if let Some(path) = role("holder") {
        let store = FileStore::open(&path).await.unwrap();
        let mut record = user("first");
        let mut line = String::new();
        loop {
            store
                .put(b"user", &record, Precondition::Any)
                .await
                .unwrap();
            println!("\nHELD");
            std::io::stdout().flush().unwrap();
            line.clear();
            if std::io::stdin().read_line(&mut line).unwrap() == 0 {
                return;
            }
            record = user("second");
        }
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut holder = child("another_process", "holder", &path, "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "HELD"));

    let at_once = FileStore::options().wait_for_lock(Duration::ZERO);
    let error = at_once.clone().open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::AlreadyOpen), "{error:?}");
    // Looking in works, and sees what the other process writes.
    let look = FileStore::options().read_only().open(&path).await.unwrap();
    assert_eq!(
        look.get(b"user").await.unwrap().unwrap().record,
        user("first")
    );
    let mut stdin = holder.stdin.take().unwrap();
    stdin.write_all(b"go on\n").unwrap();
    assert!(lines.any(|line| line.unwrap() == "HELD"));
    assert_eq!(
        look.get(b"user").await.unwrap().unwrap().record,
        user("second")
    );

    // The lock goes with the process, however it ends.
    holder.kill().unwrap();
    holder.wait().unwrap();
    let store = at_once.open(&path).await.unwrap();
    assert_eq!(
        store.get(b"user").await.unwrap().unwrap().record,
        user("second")
    );
}
