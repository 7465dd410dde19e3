//! What the emulator's documentation says of the SDKs is what is expected of them.

use std::collections::BTreeSet;

use super::rows::{Expected, ROWS, Sdk};
use super::table::version;

const PAGE: &str = include_str!("../../../crates/uid2-emulator/docs/pointing-sdks-at-it.md");
const HEADING: &str = "# Where these SDKs do other than the operator";

/// The table of deviations: SDKs of a line, and the rows in its last column.
fn documented(page: &str) -> Vec<(Vec<Sdk>, Vec<&str>)> {
    let section = page.split_once(HEADING).unwrap().1;
    let section = section.split("\n# ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| "));
    // After the head of the table; its rule begins with "|-".
    lines.skip(1).map(line).collect()
}

fn line(line: &str) -> (Vec<Sdk>, Vec<&str>) {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [who, _, _, rows] = cells[..] else {
        panic!("expected four cells: {line}");
    };
    let sdks = Sdk::ALL.into_iter().filter(|sdk| {
        let name = format!("{sdk:?} {}", version(*sdk));
        who == "both" || who == name
    });
    let sdks: Vec<_> = sdks.collect();
    assert!(!sdks.is_empty(), "of which SDK, in which version? {line}");
    let rows = rows.split(',').map(|row| row.trim().trim_matches('`'));
    (sdks, rows.collect())
}

fn deviations(page: &str) -> BTreeSet<(&'static str, String)> {
    let mut all = BTreeSet::new();
    for (sdks, rows) in documented(page) {
        for sdk in sdks {
            for row in &rows {
                let new = all.insert((name(sdk), (*row).to_owned()));
                assert!(new, "{row} twice");
            }
        }
    }
    all
}

fn expected() -> BTreeSet<(&'static str, String)> {
    let of = |sdk: Sdk| {
        let rows = ROWS.iter();
        let rows = rows.filter(move |row| row.expected(sdk) == Expected::Deviates);
        rows.map(move |row| (name(sdk), row.name.to_owned()))
    };
    Sdk::ALL.into_iter().flat_map(of).collect()
}

const fn name(sdk: Sdk) -> &'static str {
    match sdk {
        Sdk::Python => "Python",
        Sdk::Java => "Java",
    }
}

#[test]
fn the_table_of_deviations_is_what_is_expected() {
    assert_eq!(deviations(PAGE), expected());
}

#[test]
fn a_table_that_lags_behind_is_noticed() {
    let without = PAGE.replace("`phone-digits`", "`redirect-of-old`");
    assert_ne!(without, PAGE);
    assert_ne!(deviations(&without), expected());
}

#[test]
#[should_panic(expected = "in which version")]
fn another_version_is_noticed() {
    let python = format!("| Python {} |", version(Sdk::Python));
    deviations(&PAGE.replace(&python, "| Python 0.0.1 |"));
}
