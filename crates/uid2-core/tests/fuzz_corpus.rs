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

use uid2_core::fuzzing;

#[path = "../../../fuzz/replay.rs"]
mod replay;

#[test]
fn email() {
    replay::replay("email", fuzzing::email);
}

#[test]
fn phone() {
    replay::replay("phone", fuzzing::phone);
}

#[test]
fn identity_json() {
    replay::replay("identity_json", fuzzing::identity_json);
}

#[test]
fn envelope() {
    replay::replay("envelope", fuzzing::envelope);
}

#[test]
fn operations() {
    replay::replay("operations", fuzzing::operations);
}

#[test]
fn lifecycle() {
    replay::replay("lifecycle", fuzzing::lifecycle);
}
