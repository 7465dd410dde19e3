//! A writer that is killed at any moment, and what it leaves behind.
//!
//! This program is both: started as a writer, it puts and removes records as
//! fast as it can and says on its standard output what was acknowledged; started
//! as the test, it kills writers and looks into their stores.
//!
//! `cargo test` plays some rounds; `UID2_CRASH_ROUNDS` says how many, and
//! `cargo xtask crash` asks for 200.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand_core::{Rng, SeedableRng};
use tempfile::TempDir;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{identity, logged_out, opt_out};
use uid2_store::{FileStore, KeyRing, Precondition, TokenStore};

const WRITERS: u64 = 8;
const KEYS: u64 = 20;
const DEFAULT_ROUNDS: u32 = 12;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("writer") => write(&arguments[2], arguments[3] == "encrypted", &arguments[4]),
        _ => play(),
    }
}

fn play() {
    let rounds = std::env::var("UID2_CRASH_ROUNDS").map_or(DEFAULT_ROUNDS, |text| {
        text.parse().expect("UID2_CRASH_ROUNDS is a number")
    });
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    let seed = std::env::var("UID2_CRASH_SEED").map_or(u64::from_le_bytes(seed), |text| {
        text.parse().expect("UID2_CRASH_SEED is a number")
    });
    assert!(rounds > 0, "no rounds show nothing");
    println!("crash: {rounds} rounds of each kind, UID2_CRASH_SEED={seed}");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    for encrypted in [false, true] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        let mut truth = Truth::default();
        let mut round = 0;
        // A slow machine needs more rounds until enough was written to say anything.
        while round < rounds || truth.acknowledged < u64::from(rounds) * 5 {
            let longest = 120_000 * (1 + round / rounds);
            let time = Duration::from_micros(u64::from(random.next_u32() % longest));
            truth.crash(&path, encrypted, round, time);
            truth.check(&path, encrypted, round);
            round += 1;
            assert!(round < 10 * rounds, "hardly anything is written");
        }
        println!(
            "crash: encrypted {encrypted}: {round} rounds, {} acknowledged writes, all as they \
             should be; longest opening {:?}",
            truth.acknowledged, truth.longest
        );
    }
}

fn open(path: &Path, encrypted: bool) -> impl Future<Output = FileStore> {
    let options = FileStore::options();
    let options = if encrypted {
        options.encrypt(KeyRing::new([1; 32], 1, [2; 32]))
    } else {
        options
    };
    let path = path.to_owned();
    async move { options.open(path).await.unwrap() }
}

/// The record that a step writes, or `None` where it removes.
fn record(key: u64, step: u64) -> Option<Record> {
    let time = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(step).unwrap());
    match (key + step) % 7 {
        0 => None,
        1 => Some(opt_out(time)),
        2 => Some(logged_out(time, time)),
        _ => Some(
            identity(
                &format!("{key}-{step}"),
                time,
                Timestamp::from_secs(1 << 33),
            )
            .unwrap(),
        ),
    }
}

fn name(key: u64) -> String {
    format!("user-{key}")
}

/// Ends only by being killed. Says `b` before it begins a step of a key and `a`
/// when the step is acknowledged.
fn write(path: &str, encrypted: bool, first: &str) {
    let first: u64 = first.parse().unwrap();
    let out = Arc::new(Mutex::new(std::io::stdout()));
    let say = move |what: &str, key: u64, step: u64| {
        let line = format!("{what} {key} {step}\n");
        let mut out = out.lock().unwrap();
        out.write_all(line.as_bytes()).unwrap();
        out.flush().unwrap();
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(Path::new(path), encrypted).await;
        say("open", 0, 0);
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, say) = (store.clone(), say.clone());
                tokio::spawn(async move {
                    for step in first.. {
                        // Each writer has keys of its own.
                        let key = writer + WRITERS * (step % KEYS);
                        say("b", key, step);
                        let name = name(key);
                        match record(key, step) {
                            Some(record) => {
                                let put = store.put(name.as_bytes(), &record, Precondition::Any);
                                put.await.unwrap();
                            }
                            None => {
                                let remove = store.remove(name.as_bytes(), Precondition::Any);
                                remove.await.unwrap();
                            }
                        }
                        say("a", key, step);
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

/// What each key may be.
#[derive(Default)]
struct Truth {
    /// The last step that was acknowledged.
    done: BTreeMap<u64, u64>,
    /// A step that was begun after it, and may or may not have taken place.
    begun: BTreeMap<u64, u64>,
    last_step: u64,
    versions: HashSet<u64>,
    acknowledged: u64,
    longest: Duration,
}

impl Truth {
    fn crash(&mut self, path: &Path, encrypted: bool, round: u32, time: Duration) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("writer")
            .arg(path)
            .arg(if encrypted { "encrypted" } else { "plain" })
            .arg((self.last_step + 1).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Some are killed while they open the store.
        if round % 5 != 4 {
            assert_eq!(lines.next().unwrap().unwrap(), "open 0 0");
        }
        std::thread::sleep(time);
        // SIGKILL on Unix.
        child.kill().unwrap();
        child.wait().unwrap();
        // Lines are written whole, in one call each: a pipe takes so few bytes
        // together or not at all.
        for line in lines.map_while(Result::ok) {
            let words: Vec<_> = line.split(' ').collect();
            let [what, key, step] = words[..] else {
                continue;
            };
            let (Ok(key), Ok(step)) = (key.parse(), step.parse()) else {
                continue;
            };
            self.last_step = self.last_step.max(step);
            match what {
                "b" => {
                    self.begun.insert(key, step);
                }
                "a" => {
                    self.acknowledged += 1;
                    self.done.insert(key, step);
                    self.begun.remove(&key);
                }
                _ => {}
            }
        }
    }

    fn check(&mut self, path: &Path, encrypted: bool, round: u32) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let start = Instant::now();
            let store = open(path, encrypted).await;
            self.longest = self.longest.max(start.elapsed());
            let mut due = HashSet::new();
            for key in 0..WRITERS * KEYS {
                let entry = store.get(name(key).as_bytes()).await.unwrap();
                let found = entry.as_ref().map(|entry| entry.record.clone());
                let done = self.done.get(&key).map(|step| record(key, *step));
                let begun = self.begun.get(&key).map(|step| record(key, *step));
                let may_be = [Some(done.flatten()), begun];
                assert!(
                    may_be.into_iter().flatten().any(|record| record == found),
                    "round {round}: user {key} is neither as acknowledged nor as begun: {found:?}"
                );
                // Whichever it was, now it is so.
                if let Some(begun) = self.begun.remove(&key)
                    && record(key, begun) == found
                {
                    self.done.insert(key, begun);
                }
                if let Some(record) = found
                    && record.due().is_some()
                {
                    due.insert(name(key).into_bytes());
                }
            }
            let scanned = store.due(Timestamp::MAX, None, usize::MAX).await.unwrap();
            let scanned: HashSet<_> = scanned.into_iter().map(|due| due.key.into_vec()).collect();
            assert_eq!(
                scanned, due,
                "round {round}: the due index is not that of the records"
            );
            assert!(store.verify().await.unwrap().is_sound(), "round {round}");
            let any = opt_out(Timestamp::EPOCH);
            let put = store.put(b"version", &any, Precondition::Any);
            let version = put.await.unwrap().get();
            assert!(self.versions.insert(version), "version {version} came back");
            store.close().await;
        });
    }
}
