//! The frame around every value: format, check, body.

use zeroize::Zeroizing;

use crate::StoreError;

/// A record as it is.
pub(super) const PLAIN: u8 = 1;
/// A record that is sealed with a key of a ring.
pub(super) const SEALED: u8 = 2;
/// The newest format that this version reads.
const NEWEST: u8 = SEALED;

/// Where the check stands, and how long format and check are together.
const CHECK: std::ops::Range<usize> = 1..5;
const HEAD: usize = CHECK.end;

/// A value that has its head, and waits for its body.
pub(super) fn begin(format: u8) -> Zeroizing<Vec<u8>> {
    // Room for most identities: a buffer that grows leaves copies behind.
    let mut value = Zeroizing::new(Vec::with_capacity(2048));
    value.push(format);
    value.extend_from_slice(&[0; CHECK.end - CHECK.start]);
    value
}

/// Fills in the check.
pub(super) fn finish(value: &mut [u8], stored_key: &[u8]) {
    let Some((&mut [format, ref mut check @ ..], body)) = value.split_first_chunk_mut::<HEAD>()
    else {
        return;
    };
    *check = checksum(format, stored_key, body).to_le_bytes();
}

/// The format and the body of a value that is as it was written.
pub(super) fn open<'a>(stored_key: &[u8], value: &'a [u8]) -> Result<(u8, &'a [u8]), StoreError> {
    let Some((&[format, ref check @ ..], body)) = value.split_first_chunk::<HEAD>() else {
        return Err(StoreError::Damaged);
    };
    if checksum(format, stored_key, body).to_le_bytes() != *check {
        return Err(StoreError::Damaged);
    }
    match format {
        0 => Err(StoreError::Damaged),
        1..=NEWEST => Ok((format, body)),
        _ => Err(StoreError::NewerFormat {
            found: format.into(),
            known: NEWEST.into(),
        }),
    }
}

/// The body of a value, whether or not it is as it was written.
#[cfg(feature = "encryption")]
pub(super) fn body(value: &[u8]) -> Option<&[u8]> {
    value.get(HEAD..)
}

fn checksum(format: u8, stored_key: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[format]);
    hasher.update(stored_key);
    // The length, so that no byte can move between key and body.
    let length = u32::try_from(stored_key.len()).unwrap_or(u32::MAX);
    hasher.update(&length.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(format: u8, key: &[u8], body: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut value = begin(format);
        value.extend_from_slice(body);
        finish(&mut value, key);
        value
    }

    #[test]
    fn every_flip_and_every_truncation_is_damage() {
        let value = framed(PLAIN, b"key", b"some body");
        assert!(open(b"key", &value).is_ok());
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(open(b"key", &flipped), Err(StoreError::Damaged)));
        }
        for end in 0..value.len() {
            let cut = open(b"key", &value[..end]);
            assert!(matches!(cut, Err(StoreError::Damaged)));
        }
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let value = framed(77, b"key", b"who knows");
        let Err(StoreError::NewerFormat { found: 77, known }) = open(b"key", &value) else {
            panic!("not taken for a newer format");
        };
        assert_eq!(known, u32::from(NEWEST));
        assert!(matches!(
            open(b"key", &framed(0, b"key", b"")),
            Err(StoreError::Damaged)
        ));
    }

    #[test]
    fn a_value_belongs_to_its_key() {
        let value = framed(PLAIN, b"key", b"body");
        for other in [&b"kez"[..], b"", b"keyb", b"ke"] {
            assert!(matches!(open(other, &value), Err(StoreError::Damaged)));
        }
    }
}
