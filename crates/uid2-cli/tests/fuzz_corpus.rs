//! Replays the committed corpus of the fuzz targets, in `fuzz/corpus`, through
//! their bodies: what fuzzing found once must hold in every build.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test, which reads files as even the core's tests may"
)]

use uid2_cli::fuzzing;

#[path = "../../../fuzz/replay.rs"]
mod replay;

#[test]
fn csv() {
    replay::replay("csv", fuzzing::csv);
}
