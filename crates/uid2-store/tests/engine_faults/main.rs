//! The engine's own reads, writes and flushes fail, or the power goes.
//!
//! What stands between SQLite and the system here is `shim.c`. It fails the n-th
//! operation on the store's files, and writes down all of them in their order, from
//! which a disk is put together as it may be when power is lost: of what was not
//! flushed, some is there, some is not, and some is torn.
//!
//! `cargo test` plays some of all; `UID2_FAULTS` says how many, and
//! `cargo xtask crash` asks for many.

#![cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

mod disk;
mod log;
mod script;
mod shim;

use std::fs;
use std::path::Path;

use rand_core::{Rng, SeedableRng};
use tempfile::TempDir;

use disk::Disk;
use log::Entry;
use shim::{Fault, Shim};

const DEFAULT_PLAYS: usize = 25;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;
/// All that changes a file or a folder.
const CHANGES: &str = "cwtsu";

fn plays() -> usize {
    std::env::var("UID2_FAULTS").map_or(DEFAULT_PLAYS, |text| {
        text.parse().expect("UID2_FAULTS is a number")
    })
}

/// Others in each run; with the seed that is printed, the same.
fn random(test: &str) -> rand_chacha::ChaCha8Rng {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    let seed = std::env::var("UID2_FAULTS_SEED").map_or(u64::from_le_bytes(seed), |text| {
        text.parse().expect("UID2_FAULTS_SEED is a number")
    });
    println!("{test}: UID2_FAULTS_SEED={seed}");
    rand_chacha::ChaCha8Rng::seed_from_u64(seed)
}

fn below(random: &mut impl Rng, bound: usize) -> usize {
    usize::try_from(random.next_u64()).unwrap() % bound
}

/// As many numbers below `bound` as are asked for, each at most once, in order.
fn some_of(random: &mut impl Rng, bound: usize, count: usize) -> Vec<usize> {
    let mut all: Vec<_> = (0..bound).collect();
    while all.len() > count {
        all.swap_remove(below(random, all.len()));
    }
    all.sort_unstable();
    all
}

/// How operations are to fail.
struct Case {
    /// The test itself.
    test: &'static str,
    script: &'static str,
    /// Those that are to fail, by their letters.
    kinds: &'static str,
    errno: i32,
    /// Whether those after it fail too.
    lasts: bool,
}

impl Case {
    /// Fails one operation in each play, and looks at the store after.
    fn play(&self) {
        if script::is_child() {
            return script::play();
        }
        let Some(shim) = Shim::compile(self.test, self.script) else {
            return;
        };
        let mut random = random(self.test);
        for encrypted in [false, true] {
            self.play_with(&shim, encrypted, &mut random);
        }
    }

    fn play_with(&self, shim: &Shim, encrypted: bool, random: &mut impl Rng) {
        let (_folder, log) = shim.play(None, encrypted);
        let operations = count(&log, self.kinds);
        let (mut noticed, mut played) = (0, 0);
        for at in some_of(random, operations, plays()) {
            let fault = Fault {
                kinds: self.kinds,
                at: at + 1,
                lasts: self.lasts,
                errno: self.errno,
                leaves_after: [0, 1, 3, 8, 100][below(random, 5)],
            };
            let (folder, log) = shim.play(Some(&fault), encrypted);
            // Two threads may have shared their work in another way.
            if count(&log, "F") == 0 {
                continue;
            }
            played += 1;
            noticed += usize::from(count(&log, "e") > 0);
            script::check_errors(&log, &fault);
            let path = folder.path().join("store.db");
            if let Err(wrong) = script::look(&path, encrypted, &log) {
                panic!("{fault:?}, encrypted {encrypted}: {wrong}");
            }
        }
        println!(
            "{}: encrypted {encrypted}: {played} of {operations} operations failed, \
             {noticed} noticed by a caller, nothing acknowledged lost",
            self.test
        );
        assert!(noticed * 4 > played, "{noticed} of {played} noticed");
        assert!(noticed > 2, "only {noticed} of {operations} noticed");
    }
}

fn count(log: &[Entry], kinds: &str) -> usize {
    let counts = |entry: &&Entry| kinds.as_bytes().contains(&entry.kind);
    log.iter().filter(counts).count()
}

#[test]
fn one_write_or_flush_fails() {
    let case = Case {
        test: "one_write_or_flush_fails",
        script: script::LONG,
        kinds: CHANGES,
        errno: EIO,
        lasts: false,
    };
    case.play();
}

#[test]
fn all_writes_and_flushes_fail_from_one_on() {
    let case = Case {
        test: "all_writes_and_flushes_fail_from_one_on",
        script: script::LONG,
        kinds: CHANGES,
        errno: EIO,
        lasts: true,
    };
    case.play();
}

#[test]
fn the_disk_is_full_from_one_write_on() {
    let case = Case {
        test: "the_disk_is_full_from_one_write_on",
        script: script::LONG,
        kinds: "cw",
        errno: ENOSPC,
        lasts: true,
    };
    case.play();
}

#[test]
fn one_flush_fails() {
    let case = Case {
        test: "one_flush_fails",
        script: script::LONG,
        kinds: "s",
        errno: EIO,
        lasts: false,
    };
    case.play();
}

#[test]
fn one_read_fails() {
    let case = Case {
        test: "one_read_fails",
        script: script::LONG,
        kinds: "r",
        errno: EIO,
        lasts: false,
    };
    case.play();
}

/// The record is not there, so nothing would have to be written; but what failed is
/// in the log, and would come back from there.
#[test]
fn a_removal_after_a_put_whose_flush_failed() {
    let case = Case {
        test: "a_removal_after_a_put_whose_flush_failed",
        script: script::REMOVAL,
        kinds: "s",
        errno: EIO,
        lasts: false,
    };
    case.play();
}

#[test]
fn power_is_lost() {
    if script::is_child() {
        return script::play();
    }
    let Some(shim) = Shim::compile("power_is_lost", script::LONG) else {
        return;
    };
    let mut random = random("power_is_lost");
    for encrypted in [false, true] {
        let (_folder, log) = shim.play(None, encrypted);
        for number in 0..plays() * 4 {
            let end = below(&mut random, log.len() + 1);
            let outcome = lose_power(&log[..end], encrypted, true, &mut random);
            if let Err(wrong) = outcome {
                panic!("image {number}, after {end} of {}: {wrong}", log.len());
            }
        }
        // The same check of a disk that only says that it has flushed.
        let is_noticed = (0..200).any(|_| {
            let end = below(&mut random, log.len() + 1);
            lose_power(&log[..end], encrypted, false, &mut random).is_err()
        });
        assert!(is_noticed, "a disk that does not flush is not noticed");
        println!(
            "power_is_lost: encrypted {encrypted}: {} images of {} operations, nothing \
             acknowledged lost",
            plays() * 4,
            log.len()
        );
    }
}

/// The store as it may be on a disk on which all this has happened.
fn lose_power(
    log: &[Entry],
    encrypted: bool,
    flushes: bool,
    random: &mut impl Rng,
) -> Result<(), String> {
    let mut disk = Disk::default();
    for entry in log {
        if flushes || entry.kind != b's' {
            disk.enter(entry);
        }
    }
    let folder = TempDir::new().unwrap();
    for (name, contents) in disk.after_power_loss(random) {
        fs::write(folder.path().join(name), contents).unwrap();
    }
    let path: &Path = &folder.path().join("store.db");
    script::look(path, encrypted, log)
}
