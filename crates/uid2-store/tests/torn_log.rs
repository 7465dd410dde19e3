//! What was written when persisting stopped: the log beside the file, cut off at
//! every kind of place, and garbled at its end.
//!
//! SQLite writes a commit to its log, flushes, and then it is acknowledged. So
//! when power is lost, the log has everything up to some place, and what comes
//! after may be anything. Each such log, put beside the file as it was, must give
//! a store that has exactly the writes that were acknowledged before that place.
//!
//! Later it copies the log into the file, and flushes that before it begins the log
//! anew. When power is lost meanwhile, the file has some of the new pages, perhaps
//! some in part, and the log has them all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rand_core::{Rng, SeedableRng};
use tempfile::TempDir;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{identity, opt_out};
use uid2_store::{FileStore, KeyRing, Precondition, TokenStore};

const STEPS: usize = 24;
const KEYS: usize = 5;

type State = BTreeMap<String, Record>;

fn step(state: &mut State, number: usize) -> (String, Option<Record>) {
    let key = format!("user-{}", number % KEYS);
    let time = Timestamp::from_secs(1_700_000_000 + i64::try_from(number).unwrap());
    let record = match number % 8 {
        7 => None,
        3 => Some(opt_out(time)),
        _ => Some(
            identity(
                &"x".repeat(number * 200),
                time,
                Timestamp::from_secs(1 << 33),
            )
            .unwrap(),
        ),
    };
    match &record {
        Some(record) => state.insert(key.clone(), record.clone()),
        None => state.remove(&key),
    };
    (key, record)
}

/// The file and its log, how long the log was after each acknowledged step, and
/// what the store held then.
struct Written {
    file: Vec<u8>,
    log: Vec<u8>,
    acknowledged: Vec<(usize, State)>,
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

async fn open(path: &Path, encrypted: bool) -> FileStore {
    let options = FileStore::options().readers(1);
    let options = if encrypted {
        options.encrypt(KeyRing::new([1; 32], 1, [2; 32]))
    } else {
        options
    };
    options.open(path).await.unwrap()
}

async fn write(encrypted: bool) -> Written {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    // Once closed, the layout stands in the file, and the log begins anew.
    open(&path, encrypted).await.close().await;
    let store = open(&path, encrypted).await;
    let length = |path: &Path| fs::metadata(log_of(path)).map_or(0, |log| log.len());
    let mut state = State::new();
    let mut acknowledged = vec![(usize::try_from(length(&path)).unwrap(), state.clone())];
    for number in 0..STEPS {
        let (key, record) = step(&mut state, number);
        match record {
            Some(record) => {
                store
                    .put(key.as_bytes(), &record, Precondition::Any)
                    .await
                    .unwrap();
            }
            None => {
                store
                    .remove(key.as_bytes(), Precondition::Any)
                    .await
                    .unwrap();
            }
        }
        acknowledged.push((usize::try_from(length(&path)).unwrap(), state.clone()));
    }
    Written {
        file: fs::read(&path).unwrap(),
        log: fs::read(log_of(&path)).unwrap(),
        acknowledged,
    }
}

impl Written {
    /// How many steps were acknowledged when the log was so long.
    fn steps(&self, length: usize) -> usize {
        self.acknowledged
            .iter()
            .rposition(|(end, _)| *end <= length)
            .unwrap()
    }

    async fn check(&self, log: &[u8], certain: usize, encrypted: bool, what: &str) {
        self.check_with(&self.file, log, certain, encrypted, what)
            .await;
    }

    async fn check_with(
        &self,
        file: &[u8],
        log: &[u8],
        certain: usize,
        encrypted: bool,
        what: &str,
    ) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        fs::write(&path, file).unwrap();
        fs::write(log_of(&path), log).unwrap();
        let store = open(&path, encrypted).await;
        let mut found = State::new();
        let mut due = 0;
        for number in 0..KEYS {
            let key = format!("user-{number}");
            if let Some(entry) = store.get(key.as_bytes()).await.unwrap() {
                due += usize::from(entry.record.due().is_some());
                found.insert(key, entry.record);
            }
        }
        let expected = &self.acknowledged[certain].1;
        assert!(
            *expected == found,
            "{what}: not what was acknowledged in {certain} steps"
        );
        assert_eq!(
            store.due(Timestamp::MAX, None, 99).await.unwrap().len(),
            due,
            "{what}"
        );
        assert!(store.verify().await.unwrap().is_sound(), "{what}");
        // And it goes on.
        store
            .put(b"next", &opt_out(Timestamp::EPOCH), Precondition::Absent)
            .await
            .unwrap();
        store.close().await;
    }
}

/// Other places in each run; with the seed that is printed, the same.
fn random() -> rand_chacha::ChaCha8Rng {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    let seed = std::env::var("UID2_TORN_SEED").map_or(u64::from_le_bytes(seed), |text| {
        text.parse().expect("UID2_TORN_SEED is a number")
    });
    println!("torn log: UID2_TORN_SEED={seed}");
    rand_chacha::ChaCha8Rng::seed_from_u64(seed)
}

fn below(random: &mut impl Rng, bound: usize) -> usize {
    usize::try_from(random.next_u64()).unwrap() % bound
}

async fn every_cut(encrypted: bool) {
    let written = write(encrypted).await;
    let ends: Vec<_> = written.acknowledged.iter().map(|(end, _)| *end).collect();
    assert!(ends.is_sorted() && *ends.last().unwrap() == written.log.len());
    let mut cuts: Vec<usize> = (0..written.log.len()).step_by(1777).collect();
    cuts.extend(
        ends.iter()
            .flat_map(|end| [end.saturating_sub(1), *end, end + 1, end + 24]),
    );
    cuts.retain(|cut| *cut <= written.log.len());
    let mut random = random();
    cuts.extend((0..40).map(|_| below(&mut random, written.log.len())));
    for cut in &cuts {
        let whole = &written.log[..*cut];
        written
            .check(
                whole,
                written.steps(*cut),
                encrypted,
                &format!("cut at {cut}"),
            )
            .await;
    }
    println!("torn log, encrypted {encrypted}: {} places", cuts.len());
}

#[tokio::test]
async fn every_cut_of_a_plain_log() {
    every_cut(false).await;
}

#[tokio::test]
async fn every_cut_of_an_encrypted_log() {
    every_cut(true).await;
}

/// After the cut stands what was on the disk before, or noise.
#[tokio::test]
async fn a_garbled_tail() {
    let written = write(false).await;
    for (number, (end, _)) in written.acknowledged.iter().enumerate().skip(1) {
        let previous = written.acknowledged[number - 1].0;
        for place in [previous, previous + 30, (previous + end) / 2, end - 1] {
            let mut log = written.log.clone();
            log[place..]
                .iter_mut()
                .for_each(|byte| *byte = byte.wrapping_mul(31) ^ 0x5a);
            let what = format!("garbled from {place}");
            written.check(&log, number - 1, false, &what).await;
        }
    }
}

/// The file as it is once the log has been copied into it.
fn copied_in(written: &Written) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    fs::write(&path, &written.file).unwrap();
    fs::write(log_of(&path), &written.log).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(()))
        .unwrap();
    let file = fs::read(&path).unwrap();
    assert_ne!(file, written.file, "nothing was copied");
    file
}

/// Power is lost while the log is copied into the file: any of the new pages may be
/// there, the last of them in part.
async fn every_torn_copy(encrypted: bool) {
    const PAGE: usize = 4096;
    let written = write(encrypted).await;
    let new = copied_in(&written);
    let mut random = random();
    let all = written.acknowledged.len() - 1;
    for round in 0..60 {
        let mut file = written.file.clone();
        let whole = below(&mut random, 101);
        for place in (0..new.len()).step_by(PAGE) {
            if below(&mut random, 100) >= whole {
                continue;
            }
            let end = match below(&mut random, 8) {
                0 => place + 512 * below(&mut random, 8),
                _ => place + PAGE,
            };
            file.resize(file.len().max(end), 0);
            file[place..end].copy_from_slice(&new[place..end]);
        }
        let what = format!("torn copy {round}, {whole} % of the pages");
        written
            .check_with(&file, &written.log, all, encrypted, &what)
            .await;
    }
}

#[tokio::test]
async fn a_plain_log_that_was_half_copied() {
    every_torn_copy(false).await;
}

#[tokio::test]
async fn an_encrypted_log_that_was_half_copied() {
    every_torn_copy(true).await;
}
