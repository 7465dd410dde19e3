//! `uid2 demo`, run as a program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::{run, uid2};

#[test]
fn every_step_does_what_it_should_within_its_time() {
    let started = Instant::now();
    let ran = run(uid2(&["demo"]));
    let took = started.elapsed();

    assert_eq!(ran.status, 0, "{}\n{}", ran.stdout, ran.stderr);
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(ran.stderr, "");
    let (story, summary) = ran.stdout.split_once("\nSummary\n").expect("a summary");
    for step in [
        "1-a … 1-f",
        "2-a",
        "3-a … 3-d",
        "4-a, 4-b",
        "1-f, 3-d",
        "bad input",
    ] {
        assert!(story.contains(step) && summary.contains(step), "{step}");
    }
    // One row of the table a step, its headings, and the sum.
    let table = summary.split("\n\n").next().unwrap();
    assert_eq!(table.lines().count(), 8, "{summary}");
    assert_eq!(summary.matches('✓').count(), 7, "{summary}");
    assert!(story.matches('✓').count() > 30, "{story}");
    assert!(!ran.stdout.contains('✗') && !ran.stdout.contains('\u{1b}'));

    // The credentials are not told, and nothing is left behind.
    ran.shows_nothing_of(&[
        "UID2-C-L-999-fCXrMM",
        "DzBzbjTJcYL0swDtFs2krRNu",
        "refresh_token",
        "refresh_response_key",
    ]);
    let store = story
        .lines()
        .find_map(|line| line.trim().strip_prefix("store"))
        .expect("a path");
    assert!(
        !Path::new(store.trim()).parent().expect("a folder").exists(),
        "{store}"
    );
}

/// The exit status is not always the same: without a folder for its file, the
/// demo cannot do what it should.
#[test]
fn a_demo_that_cannot_be_given_fails() {
    let mut command = uid2(&["demo"]);
    command
        .env("TMPDIR", "/nowhere/at/all")
        .env("TMP", "/nowhere/at/all");
    let ran = run(command);
    assert_eq!(ran.status, 1, "{}", ran.stdout);
    assert!(
        ran.stdout.contains('✗') && ran.stdout.contains("0/1"),
        "{}",
        ran.stdout
    );
}

#[test]
fn colours_are_for_terminals_and_those_who_want_them() {
    let failing = |name: &str, value: &str| {
        let mut command = uid2(&["demo"]);
        command.env("TMPDIR", "/nowhere/at/all").env(name, value);
        run(command).stdout
    };
    assert!(!failing("NO_COLOR", "1").contains('\u{1b}'));
    assert!(failing("CLICOLOR_FORCE", "1").contains('\u{1b}'));
}
