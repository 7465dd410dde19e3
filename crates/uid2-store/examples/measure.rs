//! Figures of this machine: memory and disk a record, and the time of a hot read.
//!
//! `cargo run --release -p uid2-store --example measure -- memory 1000000`, or
//! `-- file 1000000`. How long it takes to open a store that was not closed:
//! `-- abort 1000000 FILE`, and then `-- open 0 FILE`.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Instant;

use futures_util::future::try_join_all;
use uid2_core::Timestamp;
use uid2_store::conformance::identity;
use uid2_store::{FileStore, MemoryStore, Precondition, StoreError, TokenStore};

/// Together with the names of the members, about 1.2 KB as JSON.
const TOKEN: usize = 460;

fn main() -> Result<(), Box<dyn Error>> {
    let kind = std::env::args()
        .nth(1)
        .ok_or("say `memory`, `file`, `abort` or `open`")?;
    let count: i64 = std::env::args().nth(2).ok_or("say how many")?.parse()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let before = resident()?;
    if let Some(path) = std::env::args().nth(3) {
        let start = Instant::now();
        let store = runtime.block_on(FileStore::open(path))?;
        println!("opened in {:?}", start.elapsed());
        if kind == "abort" {
            runtime.block_on(fill(&store, count))?;
            std::process::abort();
        }
        println!("{:?}", runtime.block_on(store.stats())?);
    } else if kind == "memory" {
        let store = MemoryStore::new();
        runtime.block_on(fill(&store, count))?;
        report(before, count)?;
        runtime.block_on(read(&store, count))?;
    } else {
        let folder = tempfile::tempdir()?;
        let store = runtime.block_on(FileStore::open(folder.path().join("store.db")))?;
        let start = Instant::now();
        runtime.block_on(fill(&store, count))?;
        let rate = count as f64 / start.elapsed().as_secs_f64();
        report(before, count)?;
        println!("{rate:.0} durable puts a second, 64 at a time");
        println!("{:?}", runtime.block_on(store.stats())?);
        runtime.block_on(read(&store, count.min(10_000)))?;
        runtime.block_on(store.close());
        let size = std::fs::metadata(folder.path().join("store.db"))?.len();
        println!("{} bytes on disk a record", size / count.unsigned_abs());
    }
    Ok(())
}

async fn fill(store: &impl TokenStore, count: i64) -> Result<(), Box<dyn Error>> {
    for batch in (0..count).step_by(64) {
        let puts = (batch..count.min(batch + 64)).map(|number| {
            let text = format!("{number:0TOKEN$}");
            // Due in an order that has nothing to do with that of the keys.
            let due = Timestamp::from_millis((number * 7_919) % 3_600_000);
            let expires = Timestamp::from_secs(1 << 33);
            async move {
                let record = identity(&text, due, expires).map_err(|_| StoreError::Closed)?;
                store.put(&key(number), &record, Precondition::Any).await
            }
        });
        try_join_all(puts).await?;
    }
    Ok(())
}

async fn read(store: &impl TokenStore, count: i64) -> Result<(), Box<dyn Error>> {
    const READS: i64 = 2_000_000;
    let keys: Vec<_> = (0..count)
        .map(|number| key((number * 7_919) % count))
        .collect();
    for key in &keys {
        store.get(key).await?;
    }
    let start = Instant::now();
    for key in keys.iter().cycle().take(usize::try_from(READS)?) {
        std::hint::black_box(store.get(key).await?);
    }
    println!(
        "{} ns a hot read",
        start.elapsed().as_nanos() / READS.unsigned_abs() as u128
    );
    Ok(())
}

fn key(number: i64) -> Vec<u8> {
    format!("user-{number:027}").into_bytes()
}

/// On Linux: what the process holds in memory, in bytes.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .ok_or("no VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kilobytes * 1024)
}

fn report(before: u64, count: i64) -> Result<(), Box<dyn Error>> {
    let bytes = resident()?.saturating_sub(before) / count.unsigned_abs();
    println!(
        "{bytes} bytes in memory a record, of which about {} are tokens",
        2 * TOKEN + 34
    );
    Ok(())
}
