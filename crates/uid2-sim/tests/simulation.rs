//! The simulation itself: it repeats, it passes, and it notices.

#![allow(clippy::panic, clippy::print_stdout, reason = "tests")]

use uid2_sim::{Options, play};

fn options(seed: u64) -> Options {
    Options {
        seed,
        hours: 6,
        users: 30,
        nodes: 3,
        leases: seed.is_multiple_of(2),
        careless_store: false,
    }
}

#[test]
fn the_same_seed_plays_the_same() {
    let twice = [7, 7].map(|seed| play(&options(seed)).map(|report| report.steps));
    assert!(twice[0].is_ok(), "{twice:?}");
    assert_eq!(twice[0], twice[1]);
    assert_ne!(twice[0], play(&options(8)).map(|report| report.steps));
}

#[test]
fn nothing_that_must_not_be() {
    let mut rotations = 0;
    for seed in 100..106 {
        match play(&options(seed)) {
            Ok(report) => {
                println!("seed {seed}: {report:?}");
                rotations += report.counts.rotations;
                assert!(report.counts.served > 0 && report.counts.refreshes > 0);
            }
            Err(violation) => panic!("seed {seed}: {violation:?}"),
        }
    }
    assert!(rotations > 0);
}

#[test]
fn a_store_that_forgets_preconditions_is_noticed() {
    let careless = |seed| Options {
        careless_store: true,
        ..options(seed)
    };
    let noticed = (200..220).find_map(|seed| play(&careless(seed)).err());
    let what = noticed.map(|violation| violation.what);
    assert!(
        what.as_deref()
            .is_some_and(|what| what.contains("had logged out") || what.contains("had opted out")),
        "{what:?}"
    );
}
