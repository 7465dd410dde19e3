//! E-mail addresses that SHA-256 takes in one block: nearly all there are.
//!
//! The address is normalized in the block itself. Whatever is not quite ordinary
//! is left to the long way, which has all the rules and names the one that an
//! address breaks.

use core::slice;

use sha2::block_api::compress256;

use super::email::{AT_GMAIL, before_plus};

/// What SHA-256 begins with (FIPS 180-4, section 5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

const BLOCK: usize = 64;
/// A block ends in the length of the message, in bits and big endian.
const LENGTH: usize = size_of::<u64>();
/// What is left of a block for a message: all but its length and the byte 0x80.
const LONGEST: usize = BLOCK - LENGTH - 1;

/// The hash of an address without trailing spaces. `None` if it is longer than a
/// block, has spaces, or is not an address at all.
pub(super) fn hash_email(trimmed: &[u8]) -> Option<[u8; 32]> {
    let mut block = Block::new();
    match trimmed.split_last_chunk::<{ AT_GMAIL.len() }>() {
        Some((local, tail)) if tail.eq_ignore_ascii_case(AT_GMAIL) => block.set_gmail(local)?,
        _ => block.set_other(trimmed)?,
    }
    block.bytes.make_ascii_lowercase();
    Some(block.sha256())
}

struct Block {
    /// Zero beyond what is used.
    bytes: [u8; BLOCK],
    used: usize,
}

impl Block {
    const fn new() -> Self {
        Self {
            bytes: [0; BLOCK],
            used: 0,
        }
    }

    /// An address of which nothing is dropped.
    fn set_other(&mut self, address: &[u8]) -> Option<()> {
        if address.len() > LONGEST {
            return None;
        }
        self.append(address)?;
        // Of the whole block, and counted rather than found: this vectorizes.
        let count = |sought| {
            let one = |count, byte: &u8| count + u8::from(*byte == sought);
            self.bytes.iter().fold(0, one)
        };
        let has_both_parts = !address.starts_with(b"@") && !address.ends_with(b"@");
        (count(b'@') == 1 && count(b' ') == 0 && has_both_parts).then_some(())
    }

    /// A gmail address with this local part.
    fn set_gmail(&mut self, local: &[u8]) -> Option<()> {
        if local.len() > LONGEST - AT_GMAIL.len() {
            return None;
        }
        if local
            .iter()
            .fold(false, |found, byte| found | matches!(*byte, b'@' | b' '))
        {
            return None;
        }
        // A word at a time: whoever reads more than was written at a time, as
        // SHA-256 will, has to wait until it is in memory.
        for bytes in before_plus(local).chunks(size_of::<u64>()) {
            let (word, len) = without_dots(bytes);
            self.append(&word.to_le_bytes())?;
            self.used = self.used - size_of::<u64>() + len;
        }
        let has_local = self.used > 0;
        self.append(AT_GMAIL)?;
        has_local.then_some(())
    }

    fn append(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.used + bytes.len();
        self.bytes.get_mut(self.used..end)?.copy_from_slice(bytes);
        self.used = end;
        Some(())
    }

    /// The hash of what is in the block. Once: it is padded after that.
    fn sha256(&mut self) -> [u8; 32] {
        // Padded by FIPS 180-4, section 5.1.1.
        if let Some(end) = self.bytes.get_mut(self.used) {
            *end = 0x80;
        }
        if let Some(length) = self.bytes.last_chunk_mut() {
            *length = (8 * self.used as u64).to_be_bytes();
        }
        let mut state = INITIAL;
        compress256(&mut state, slice::from_ref(&self.bytes));
        let mut hash = [0; 32];
        for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
            *bytes = word.to_be_bytes();
        }
        hash
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // As a whole: `Zeroize` of bytes stores them one by one.
        self.bytes = [0; BLOCK];
        zeroize::optimization_barrier(&self.bytes);
    }
}

/// Up to eight bytes as one word, and how many of them are left.
fn without_dots(bytes: &[u8]) -> (u64, usize) {
    bytes.iter().fold((0, 0), |(word, len), byte| match *byte {
        b'.' => (word, len),
        byte => (word | u64::from(byte) << (8 * len), len + 1),
    })
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use sha2::{Digest, Sha256};

    use super::*;

    fn digest(normalized: &str) -> Option<[u8; 32]> {
        Some(Sha256::digest(normalized.as_bytes()).into())
    }

    #[test]
    fn it_is_the_hash_of_the_normalized_address_up_to_the_longest() {
        for len in 1..=LONGEST - "@Example.com".len() {
            let local: String = "J.a+n-e".chars().cycle().take(len).collect();
            let normalized = format!("{}@example.com", local.to_lowercase());
            assert_eq!(
                hash_email(format!("{local}@Example.com").as_bytes()),
                digest(&normalized)
            );
        }
        for len in 1..=LONGEST - AT_GMAIL.len() {
            let local: String = "J.an..E".chars().cycle().take(len).collect();
            let normalized = format!("{}@gmail.com", local.to_lowercase().replace('.', ""));
            for tag in ["", "+", "+a.b+c"] {
                let address = format!("{local}{tag}@gMail.com");
                if address.len() <= LONGEST {
                    assert_eq!(hash_email(address.as_bytes()), digest(&normalized));
                }
            }
        }
    }

    #[test]
    fn it_leaves_to_the_long_way_what_is_not_ordinary() {
        let one_too_long = "a".repeat(LONGEST + 1 - "@b.cc".len());
        for address in [
            &*format!("{one_too_long}@b.cc"),
            &*format!("{}@gmail.com", "a".repeat(LONGEST)),
            "",
            "@",
            "ab",
            "@b",
            "a@",
            "a@@b",
            "a@b@c",
            " a@b",
            "a b@c",
            "@gmail.com",
            "..+a@gmail.com",
            "a@gmail.com@gmail.com",
            "a+@@gmail.com",
            "a b@gmail.com",
        ] {
            assert_eq!(hash_email(address.as_bytes()), None, "{address}");
        }
    }
}
