//! What stands in for fuzzing in stable tests: the committed corpus of a target
//! through its body, and then two thousand inputs made from it. Included by
//! the tests of each crate that has bodies.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Inputs that are made for each target. Its own fuzzer makes as many in a moment.
const MADE: u64 = 2000;

/// Runs a body on every file of a target's corpus, and on mutations of them.
///
/// `UID2_FUZZ_SEED` makes the same mutations again; the seed is printed.
pub(crate) fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let folder = folder.join(target);
    let mut corpus = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        // Shown by a test that fails: which input it was.
        println!("{}", path.display());
        let input = std::fs::read(&path).unwrap();
        body(&input);
        corpus.push((path, input));
    }
    assert!(
        corpus.len() >= 3,
        "only {} inputs in {folder:?}",
        corpus.len()
    );
    // The order in which a folder is read must not change what a seed makes.
    corpus.sort();
    let corpus: Vec<Vec<u8>> = corpus.into_iter().map(|(_, input)| input).collect();
    let mut dice = Dice(seed());
    println!("again: UID2_FUZZ_SEED={}", dice.0);
    for _ in 0..MADE {
        let input = mutated(&corpus, &mut dice);
        println!("{}", input.escape_ascii());
        body(&input);
    }
}

fn seed() -> u64 {
    if let Ok(seed) = std::env::var("UID2_FUZZ_SEED") {
        return seed.parse().expect("UID2_FUZZ_SEED is a number");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}

fn mutated(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(input.len() + 1);
        match dice.below(5) {
            0 => input.truncate(at),
            1 => input.insert(at, dice.byte()),
            2 => {
                let other = &corpus[dice.below(corpus.len())];
                let from = dice.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            3 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = dice.byte();
                }
            }
        }
    }
    input
}

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.next() & 0xff).unwrap()
    }
}
