//! What is measured of one store with so many users.

use std::time::{Duration, Instant};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::{FileStore, MemoryStore, TokenStore};

use crate::kind::Kind;
use crate::latency::{Percentiles, percentiles};
use crate::publisher::{Clock, publisher};
use crate::users;

/// How many are due at a sweep, and how many sweeps there are.
pub(crate) const DUE: usize = 1000;
pub(crate) const SWEEPS: usize = 5;
const CALLS: usize = 200_000;

pub(crate) struct Figures {
    pub(crate) kind: Kind,
    pub(crate) users: usize,
    /// Bytes a user; on the disk, if it is there.
    pub(crate) memory: f64,
    pub(crate) disk: Option<f64>,
    /// Of `token`, in nanoseconds.
    pub(crate) token: Percentiles,
    /// The same way of a bare map with as many records: what is no slower than
    /// memory is.
    pub(crate) bare: Percentiles,
    /// Nanoseconds a user that was due, in the quickest of the sweeps: what the
    /// work takes, and not what else the machine does.
    pub(crate) sweep: f64,
}

impl Figures {
    fn numbers(&self) -> [f64; 11] {
        let (token, bare) = (self.token, self.bare);
        [
            self.memory,
            self.disk.unwrap_or(-1.0),
            token.own,
            token.p50,
            token.p99,
            token.p999,
            bare.own,
            bare.p50,
            bare.p99,
            bare.p999,
            self.sweep,
        ]
    }

    pub(crate) fn to_line(&self) -> String {
        self.numbers().map(|number| number.to_string()).join(" ")
    }

    pub(crate) fn from_line(kind: Kind, users: usize, line: &str) -> Self {
        let numbers: Vec<f64> = line
            .split(' ')
            .map(|number| number.parse().unwrap())
            .collect();
        let [memory, disk, token @ .., sweep] = <[f64; 11]>::try_from(numbers).unwrap();
        let [a, b, c, d, e, f, g, h] = token;
        let percentiles = |own, p50, p99, p999| Percentiles {
            own,
            p50,
            p99,
            p999,
        };
        Self {
            kind,
            users,
            memory,
            disk: (disk >= 0.0).then_some(disk),
            token: percentiles(a, b, c, d),
            bare: percentiles(e, f, g, h),
            sweep,
        }
    }
}

pub(crate) fn measure(kind: Kind, count: usize) -> Figures {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        if kind == Kind::Memory {
            let before = resident();
            let store = MemoryStore::new();
            users::fill(&store, count).await;
            return figures(kind, count, store, before).await;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = FileStore::open(&path).await.unwrap();
        users::fill(&store, count).await;
        store.close().await;
        let disk = std::fs::metadata(&path).unwrap().len();

        let before = resident();
        let options = FileStore::options().cache(kind.cache(count));
        let store = options.open(&path).await.unwrap();
        let mut figures = figures(kind, count, store.clone(), before).await;
        figures.disk = Some(disk as f64 / count as f64);
        store.close().await;
        figures
    })
}

async fn figures<S: TokenStore + Clone>(
    kind: Kind,
    count: usize,
    store: S,
    before: u64,
) -> Figures {
    // In no order, as users come.
    for user in users::shuffled(count) {
        store.get(&users::key(user)).await.unwrap().unwrap();
    }
    let memory = resident().saturating_sub(before) as f64 / count as f64;
    let every = match kind {
        Kind::File => Duration::from_micros(100),
        Kind::Memory | Kind::FileCached => Duration::from_micros(10),
    };
    let names: Vec<String> = users::shuffled(count)
        .take(CALLS)
        .map(|user| String::from_utf8(users::key(user)[1..].to_vec()).unwrap())
        .collect();
    let clock = Clock::new();
    let publisher = publisher(store.clone(), clock.clone());
    let calls = CALLS.min(count * 4).min(100_000);
    let token = percentiles(calls, every, |call| {
        let name = &names[call % names.len()];
        let token = publisher.token(name);
        async { token.await.unwrap().valid().unwrap() }
    })
    .await;

    let mut sweeps = Vec::new();
    for _ in 0..SWEEPS {
        let due = store.due(Timestamp::MAX, None, DUE).await.unwrap();
        clock.set(due.last().unwrap().due);
        let start = Instant::now();
        let swept = publisher.refresher().sweep().await.unwrap();
        sweeps.push(start.elapsed().as_nanos() as f64 / DUE as f64);
        assert_eq!(swept, DUE, "those that are due, and no others");
    }
    sweeps.sort_by(f64::total_cmp);
    drop(publisher);
    Figures {
        kind,
        users: count,
        memory,
        disk: None,
        token,
        bare: bare(count, every, calls).await,
        sweep: sweeps[0],
    }
}

async fn bare(count: usize, every: Duration, calls: usize) -> Percentiles {
    let map = DashMap::<Box<[u8]>, Record, RandomState>::default();
    for user in 0..count {
        map.insert(users::key(user).into(), users::record(user, 0));
    }
    let keys: Vec<_> = users::shuffled(count).take(CALLS).map(users::key).collect();
    percentiles(calls, every, |call| {
        let found = map.get(&*keys[call % keys.len()]);
        std::future::ready(found.map(|record| record.clone()))
    })
    .await
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
