//! What SECURITY.md names as a proof is there.

use std::fs;
use std::path::Path;

use super::source;
use crate::run::root;

const PAGE: &str = include_str!("../../../SECURITY.md");

/// What stands between backticks.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    page.split('`').skip(1).step_by(2)
}

/// Names of tests: `words_joined_like_this`, four words or more.
fn tests(page: &str) -> impl Iterator<Item = &str> {
    let of_a_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    quoted(page).filter(move |name| name.bytes().all(of_a_name) && name.split('_').count() > 3)
}

fn missing(page: &str) -> Vec<&str> {
    let files = source::files(&root().join("crates")).unwrap();
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let all: String = files.iter().map(|path| read(path)).collect();
    let is_there = |name: &str| {
        let (function, module) = (format!("fn {name}("), format!("{name}/"));
        all.contains(&function)
            || files
                .iter()
                .any(|path| path.to_string_lossy().contains(&module))
    };
    let is_a_file = |name: &str| files.iter().any(|path| path.ends_with(tail(name)));
    let no_tests = tests(page).filter(|name| !is_there(name));
    let no_files = quoted(page).filter(|name| name.ends_with(".rs") && !is_a_file(name));
    no_tests.chain(no_files).collect()
}

/// A path may be given from the top, from `crates`, or as a file's name.
fn tail(name: &str) -> &str {
    name.strip_prefix("crates/").unwrap_or(name)
}

#[test]
fn what_is_cited_is_there() {
    assert!(
        tests(PAGE).count() > 10,
        "{:?}",
        tests(PAGE).collect::<Vec<_>>()
    );
    assert_eq!(missing(PAGE), [""; 0]);
}

#[test]
fn what_is_not_there_is_noticed() {
    let page =
        "`a_test_that_was_renamed`, `crates/uid2-core/tests/gone.rs`, `user_ids_are_checked`";
    assert_eq!(
        missing(page),
        ["a_test_that_was_renamed", "crates/uid2-core/tests/gone.rs"]
    );
}
