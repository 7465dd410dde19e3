//! The results, for people.

use super::report::{Report, Verdict};
use super::rows::{ROWS, Row, Sdk};
use crate::steps::say;

/// Prints what came of it. Whether all of it is as it must be.
pub(super) fn show(reports: &[Report]) -> bool {
    heading(reports);
    for row in ROWS {
        let cells: String = reports.iter().map(|report| cell(report, row)).collect();
        say(&format!("{:<44}{cells}", row.what));
    }
    notes(reports);
    let mut good = true;
    for report in reports {
        for unexpected in report.unexpected() {
            good = false;
            say(&format!("UNEXPECTED  {:?}, {unexpected}", report.sdk));
        }
    }
    good
}

fn heading(reports: &[Report]) {
    let names: String = reports
        .iter()
        .map(|report| {
            format!(
                "{:<16}",
                format!("{:?} {}", report.sdk, version(report.sdk))
            )
        })
        .collect();
    say(&format!("\n{:<44}{names}", "operation"));
}

fn cell(report: &Report, row: &Row) -> String {
    let word = match report.verdict(row.name) {
        Some(Verdict::Ok) => "ok",
        Some(Verdict::Absent { .. }) => "not in the SDK",
        Some(Verdict::Deviates { .. }) => "deviation",
        Some(Verdict::Failed { .. }) => "FAILURE",
        None => "-",
    };
    format!("{word:<16}")
}

/// What deviates, and how.
fn notes(reports: &[Report]) {
    say("\nDeviations: what the SDK does, and what the operator does");
    for report in reports {
        for row in ROWS {
            if let Some(Verdict::Deviates { sdk, operator }) = report.verdict(row.name) {
                say(&format!("- {:?}, {}", report.sdk, row.what));
                say(&format!("    SDK:      {sdk}"));
                say(&format!("    operator: {operator}"));
            }
        }
    }
    say("\nNot in the SDK");
    for report in reports {
        for row in ROWS {
            if let Some(Verdict::Absent { why }) = report.verdict(row.name) {
                say(&format!("- {:?}, {}: {why}", report.sdk, row.what));
            }
        }
    }
    say("");
}

/// The version that is pinned.
pub(super) fn version(sdk: Sdk) -> &'static str {
    let (file, before, after) = match sdk {
        Sdk::Python => (
            include_str!("../../interop/python/requirements.txt"),
            "uid2-client==",
            "\n",
        ),
        Sdk::Java => (
            include_str!("../../interop/java/pom.xml"),
            "<artifactId>uid2-client</artifactId>\n            <version>",
            "</version>",
        ),
    };
    let rest = file.split_once(before).map(|(_, rest)| rest);
    let version = rest.and_then(|rest| rest.split_once(after));
    version.map_or("", |(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_pinned() {
        for sdk in Sdk::ALL {
            let parts: Vec<_> = version(sdk).split('.').collect();
            assert_eq!(parts.len(), 3, "{sdk:?} {}", version(sdk));
            assert!(parts.iter().all(|part| part.parse::<u32>().is_ok()));
        }
    }
}
