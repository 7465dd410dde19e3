//! Replays the committed corpus of the fuzz targets, in `fuzz/corpus`, through
//! their bodies: what fuzzing found once must hold in every build.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "reads files, as the crate must not"
)]

use std::path::Path;

use uid2_token::fuzzing;

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
fn advertising_token() {
    replay("advertising_token", fuzzing::advertising_token);
}

#[test]
fn refresh_token() {
    replay("refresh_token", fuzzing::refresh_token);
}
