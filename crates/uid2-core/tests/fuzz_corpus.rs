//! Replays the committed corpus of the fuzz targets, in `fuzz/corpus`, through
//! their bodies: what fuzzing found once must hold in every build.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "reads files, as the core must not"
)]

use std::path::Path;

use uid2_core::fuzzing;

/// Runs a body on every file of a target's corpus.
fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let folder = folder.join(target);
    let mut replayed = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        // Shown by a test that fails: which input it was.
        println!("{}", path.display());
        body(&std::fs::read(&path).unwrap());
        replayed += 1;
    }
    assert!(replayed >= 3, "only {replayed} inputs in {folder:?}");
}

#[test]
fn email() {
    replay("email", fuzzing::email);
}

#[test]
fn phone() {
    replay("phone", fuzzing::phone);
}

#[test]
fn identity_json() {
    replay("identity_json", fuzzing::identity_json);
}

#[test]
fn envelope() {
    replay("envelope", fuzzing::envelope);
}

#[test]
fn operations() {
    replay("operations", fuzzing::operations);
}

#[test]
fn lifecycle() {
    replay("lifecycle", fuzzing::lifecycle);
}
