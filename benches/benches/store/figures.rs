//! Bytes a record, and how soon a store is open again after a crash: in a table,
//! for they are not times that a statistic says more about.
//!
//! Each figure is that of a process of its own, which holds nothing else.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use uid2_core::lifecycle::Record;
use uid2_store::{FileStore, MemoryStore, Scan, TokenStore};

use crate::{open, ring, runtime, users};

/// What a child is to measure, and where.
const ROLE: &str = "UID2_BENCH_ROLE";
const PATH: &str = "UID2_BENCH_PATH";
/// How many stores are left behind and opened.
const CRASHES: usize = 5;

/// Whether this process was a child: it has done its work then.
pub(crate) fn is_child() -> bool {
    let Ok(role) = std::env::var(ROLE) else {
        return false;
    };
    let (users, before) = (users::count(), resident());
    let runtime = runtime();
    let bytes = match &*role {
        "bare" => {
            let bare: Vec<(Box<[u8]>, Record)> = (0..users)
                .map(|user| (users::key(user).into(), users::record(user, 0)))
                .collect();
            let bytes = resident() - before;
            drop(bare);
            bytes
        }
        "memory" => {
            let store = MemoryStore::new();
            runtime.block_on(users::fill(&store, users));
            resident() - before
        }
        "cache" => {
            let path = std::env::var(PATH).unwrap();
            let options = FileStore::options().cache(2 * users);
            let store = runtime.block_on(open(options, Path::new(&path)));
            // The engine's pages in memory are as many for any number of users.
            runtime.block_on(async { tokio::join!(scan_all(&store), scan_all(&store)) });
            let before = resident();
            runtime.block_on(read_all(&store, users));
            resident() - before
        }
        role => {
            let path = std::env::var(PATH).unwrap();
            let options = if role == "encrypted" {
                FileStore::options().encrypt(ring())
            } else {
                FileStore::options()
            };
            let store = runtime.block_on(open(options, Path::new(&path)));
            // Not again what an earlier crash has left.
            if runtime.block_on(store.stats()).unwrap().records == 0 {
                runtime.block_on(users::fill(&store, users));
            }
            // Writers are at work when it ends.
            runtime.spawn({
                let store = store.clone();
                async move {
                    for turn in 1.. {
                        futures_util::future::join_all(
                            (0..64).map(|user| users::put(&store, user, turn)),
                        )
                        .await;
                    }
                }
            });
            std::thread::sleep(Duration::from_millis(200));
            std::process::abort();
        }
    };
    println!("{bytes}");
    true
}

/// On one of the two threads that read, or on the other.
async fn scan_all(store: &FileStore) {
    let mut after = None;
    loop {
        after = store.scan(after.as_ref(), 256).await.unwrap().1;
        if after.is_none() {
            return;
        }
    }
}

async fn read_all(store: &FileStore, users: usize) {
    for user in 0..users {
        store.get(&users::key(user)).await.unwrap().unwrap();
    }
}

pub(crate) fn print() {
    let users = users::count();
    let folder = TempDir::new().unwrap();
    let payload = users::payload(0);
    println!("\n| {users} users | bytes a record | beyond its {payload} bytes of payload |");
    println!("|---|---|---|");
    let row = |name: &str, bytes: u64| {
        let each = bytes / users as u64;
        let beyond = i64::try_from(each).unwrap() - i64::try_from(payload).unwrap();
        println!("| {name} | {each} | {beyond} |");
    };
    row("a plain vector of them, in memory", measured("bare", ""));
    row("memory store", measured("memory", ""));

    let mut times = Vec::new();
    for kind in ["file", "encrypted"] {
        let path = folder.path().join(format!("{kind}.db"));
        let (size, opened) = after_crashes(kind, &path);
        row(&format!("{kind} store, on disk"), size);
        times.push((kind, opened));
    }
    let path = folder.path().join("file.db");
    row(
        "file store, in its cache",
        measured("cache", path.to_str().unwrap()),
    );
    println!("\nopen again after SIGABRT in the middle of writing, {users} users:");
    for (kind, times) in times {
        println!("- {kind}: {times:.1?}");
    }
}

/// The size once it is closed, and how long each opening took.
fn after_crashes(kind: &str, path: &Path) -> (u64, Vec<Duration>) {
    let mut times = Vec::new();
    for _ in 0..CRASHES {
        let left = child(kind, path.to_str().unwrap()).status().unwrap();
        assert!(!left.success(), "the writer was to be aborted");
        let options = match kind {
            "encrypted" => FileStore::options().encrypt(ring()),
            _ => FileStore::options(),
        };
        let runtime = runtime();
        let start = Instant::now();
        let store = runtime.block_on(open(options, path));
        // The first answer from the file: opening puts nothing off.
        let first = runtime.block_on(store.get(&users::key(0))).unwrap();
        times.push(start.elapsed());
        assert!(first.is_some());
        runtime.block_on(store.close());
    }
    (std::fs::metadata(path).unwrap().len(), times)
}

fn measured(role: &str, path: &str) -> u64 {
    let output = child(role, path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{role} failed: {text}");
    text.trim().parse().unwrap()
}

fn child(role: &str, path: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(ROLE, role).env(PATH, path);
    command
}

/// On Linux: what this process holds in memory, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}
