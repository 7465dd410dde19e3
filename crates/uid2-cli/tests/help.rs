//! What `uid2` says of itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use support::{run, uid2};

const COMMANDS: [&[&str]; 21] = [
    &[],
    &["completions"],
    &["demo"],
    &["doctor"],
    &["emulator"],
    &["envelope"],
    &["envelope", "open"],
    &["envelope", "seal"],
    &["hash"],
    &["inspect"],
    &["man"],
    &["site"],
    &["store"],
    &["store", "copy"],
    &["store", "stats"],
    &["store", "purge"],
    &["store", "verify"],
    &["token"],
    &["token", "generate"],
    &["token", "refresh"],
    &["token", "validate"],
];

#[test]
fn every_command_explains_itself_with_examples() {
    for command in COMMANDS {
        let ran = run(uid2(&[command, &["--help"]].concat()));
        assert_eq!(ran.status, 0, "{command:?}");
        assert!(ran.stdout.contains("Usage: uid2"), "{command:?}");
        if *command != ["demo"] {
            assert!(ran.stdout.contains("Examples:"), "{command:?}");
        }
        let lines = ran
            .stdout
            .lines()
            .filter(|line| !line.starts_with("Usage:"));
        let longest = lines.map(|line| line.chars().count()).max();
        assert!(longest.unwrap() <= 100, "{command:?}:\n{}", ran.stdout);
    }
}

#[test]
fn exit_statuses_are_told() {
    let help = run(uid2(&["--help"])).stdout;
    for status in ["  0  ", "  1  ", "  2  ", "  3  ", "  4  "] {
        assert!(help.contains(status), "{help}");
    }
}

/// Help tells which variables count, but not what is in them.
#[test]
fn help_does_not_show_what_is_in_the_environment() {
    for command in ["generate", "refresh", "validate"] {
        let mut help = uid2(&["token", command, "--help"]);
        help.env("UID2_BASE_URL", "https://internal.example")
            .env("UID2_API_KEY", "the-api-key")
            .env("UID2_SECRET_KEY", "the-secret");
        let ran = run(help);
        for name in ["UID2_BASE_URL", "UID2_API_KEY", "UID2_SECRET_KEY"] {
            assert!(ran.stdout.contains(name), "{}", ran.stdout);
        }
        ran.shows_nothing_of(&["internal.example", "the-api-key", "the-secret"]);
    }
}

/// What was typed at the wrong place is repeated by no error about something else.
#[test]
fn usage_errors_do_not_repeat_secrets() {
    for args in [
        &[
            "token",
            "generate",
            "--api-key",
            "the-api-key",
            "--secret-key",
            "the-secret",
        ][..],
        &[
            "token",
            "generate",
            "--email",
            "a@b.c",
            "--api-key",
            "the-api-key",
        ],
        &["token", "refresh", "--secret-key", "the-secret"],
    ] {
        let ran = run(uid2(args));
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args:?}");
        ran.shows_nothing_of(&["the-api-key", "the-secret"]);
    }
}

#[test]
fn without_a_command_it_helps() {
    let ran = run(uid2(&[]));
    assert_eq!(ran.status, 2);
    assert!(
        ran.stderr.contains("demo") && ran.stderr.contains("Usage:"),
        "{}",
        ran.stderr
    );
    let ran = run(uid2(&["--version"]));
    assert_eq!(ran.status, 0);
    assert!(ran.stdout.starts_with("uid2 "), "{}", ran.stdout);
}
