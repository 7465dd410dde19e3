//! Hashids, which bucket ids are written in (protocol, section 14).
//!
//! For one number at a time, with the usual alphabet: the numbers are not
//! secret, this only makes them look so.

const SEPARATORS: &[u8] = b"cfhistuCFHISTU";
const ALPHABET: &[u8] = b"abdegjklmnopqrvwxyzABDEGJKLMNOPQRVWXYZ1234567890";
const GUARDS: usize = 4;

/// Writes numbers under a salt.
#[derive(Clone, Debug)]
pub(crate) struct Hashids {
    salt: Vec<u8>,
    alphabet: Vec<u8>,
    guards: Vec<u8>,
    min_len: usize,
}

impl Hashids {
    pub(crate) fn new(salt: &str, min_len: usize) -> Self {
        debug_assert_eq!(SEPARATORS.len() + ALPHABET.len(), 62);
        let salt = salt.as_bytes().to_vec();
        let mut guards = ALPHABET.to_vec();
        shuffle(&mut guards, &salt);
        let alphabet = guards.split_off(GUARDS);
        Self {
            salt,
            alphabet,
            guards,
            min_len,
        }
    }

    pub(crate) fn encode(&self, number: u64) -> String {
        let mut alphabet = self.alphabet.clone();
        let sum = usize::try_from(number % 100).unwrap_or_default();
        let lottery = at(&alphabet, sum);
        let key = [&[lottery][..], &self.salt, &alphabet].concat();
        let len = alphabet.len();
        shuffle(&mut alphabet, key.get(..len).unwrap_or_default());
        let mut text = vec![lottery];
        text.extend(digits(number, &alphabet));
        self.pad(&mut text, &mut alphabet, sum);
        String::from_utf8(text).unwrap_or_default()
    }

    /// Makes a text of the shortest length out of a shorter one.
    fn pad(&self, text: &mut Vec<u8>, alphabet: &mut [u8], sum: usize) {
        if text.len() < self.min_len {
            let first = at(&self.guards, sum + usize::from(at(text, 0)));
            text.insert(0, first);
        }
        if text.len() < self.min_len {
            let last = at(&self.guards, sum + usize::from(at(text, 2)));
            text.push(last);
        }
        while text.len() < self.min_len {
            let key = alphabet.to_vec();
            shuffle(alphabet, &key);
            let (front, back) = alphabet.split_at(alphabet.len() / 2);
            *text = [back, text, front].concat();
            let excess = text.len().saturating_sub(self.min_len);
            text.drain(..excess / 2);
            text.truncate(self.min_len);
        }
    }
}

/// The number in the base of the alphabet.
fn digits(mut number: u64, alphabet: &[u8]) -> Vec<u8> {
    let base = alphabet.len().max(1) as u64;
    let mut digits = Vec::new();
    loop {
        let digit = usize::try_from(number % base).unwrap_or_default();
        digits.insert(0, at(alphabet, digit));
        number /= base;
        if number == 0 {
            return digits;
        }
    }
}

/// A shuffle that the salt alone decides.
fn shuffle(text: &mut [u8], salt: &[u8]) {
    let (mut position, mut sum) = (0, 0);
    if salt.is_empty() {
        return;
    }
    for index in (1..text.len()).rev() {
        position %= salt.len();
        let byte = usize::from(at(salt, position));
        sum += byte;
        text.swap(index, (byte + position + sum) % index);
        position += 1;
    }
}

/// The element at an index, going around.
fn at(text: &[u8], index: usize) -> u8 {
    let index = index.checked_rem(text.len()).unwrap_or_default();
    text.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_the_documentation_of_hashids() {
        let hashids = Hashids::new("this is my salt", 0);
        assert_eq!(hashids.encode(12345), "NkK9");
        assert_eq!(Hashids::new("this is my salt", 8).encode(1), "gB0NV05e");
    }

    #[test]
    fn long_enough_and_all_different() {
        let hashids = Hashids::new("salt", 9);
        let mut all: Vec<String> = (0..2000).map(|n| hashids.encode(n)).collect();
        assert!(all.iter().all(|text| text.len() == 9));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 2000);
    }
}
