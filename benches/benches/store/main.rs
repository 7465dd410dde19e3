//! The stores, each beside what it is made of: durable puts, point reads and due
//! scans, then a table of bytes and of how soon a store that was not closed is
//! open again.
//!
//! `UID2_BENCH_USERS` says of how many users, 20,000 unless given; the aims of
//! the project are for 1,000,000. `cargo bench --bench store -- figures` prints
//! the table alone.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "benchmarks"
)]

mod figures;
mod puts;
mod raw;
mod reads;
mod scans;
mod users;

use std::path::{Path, PathBuf};

use criterion::Criterion;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uid2_store::{FileOptions, FileStore, KeyRing};

fn main() {
    if figures::is_child() {
        return;
    }
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    if filter.is_none_or(|filter| filter != "figures") {
        let mut criterion = Criterion::default().configure_from_args();
        puts::bench(&mut criterion);
        reads::bench(&mut criterion);
        scans::bench(&mut criterion);
        criterion.final_summary();
    }
    let tries = arguments.iter().any(|argument| argument == "--test");
    if !tries && filter.is_none_or(|filter| filter == "figures") {
        figures::print();
    }
}

fn ring() -> KeyRing {
    KeyRing::new([1; 32], 1, [2; 32])
}

/// A runtime as a publisher's server has it.
fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

/// A closed store of all users, to copy from.
struct Original {
    folder: TempDir,
}

impl Original {
    fn new(runtime: &Runtime, options: FileOptions, users: usize) -> Self {
        let folder = TempDir::new().unwrap();
        runtime.block_on(async {
            let store = options.open(folder.path().join("store.db")).await.unwrap();
            users::fill(&store, users).await;
            store.close().await;
        });
        Self { folder }
    }

    /// A copy, so that whoever opens it finds the same.
    fn copy(&self, name: &str) -> PathBuf {
        let to = self.folder.path().join(name);
        std::fs::copy(self.path(), &to).unwrap();
        to
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }
}

async fn open(options: FileOptions, path: &Path) -> FileStore {
    options.open(path).await.unwrap()
}
