//! Replays the committed corpus of the fuzz target, in `fuzz/corpus`, through its
//! body: what fuzzing found once must hold in every build.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;

#[test]
fn csv() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/csv");
    let mut replayed = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        // Shown by a test that fails: which input it was.
        println!("{}", path.display());
        uid2_cli::fuzzing::csv(&std::fs::read(&path).unwrap());
        replayed += 1;
    }
    assert!(replayed >= 3, "only {replayed} inputs in {folder:?}");
}
