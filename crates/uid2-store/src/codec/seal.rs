//! The body of format 2: a record and its user's key, sealed.
//!
//! ```text
//! key id u32 LE │ nonce, 12 bytes │ AES-256-GCM of: length of the key u16 LE, key,
//!                                 │ body of format 1 │ tag, 16 bytes
//! ```
//!
//! Format, key id and stored key are associated data: a value that is moved to
//! another user, or given another id, does not open.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use uid2_core::lifecycle::Record;
use zeroize::Zeroizing;

use super::{KeyRing, body, frame};
use crate::StoreError;

const NONCE: usize = 12;

pub(super) fn write(
    ring: &KeyRing,
    key: &[u8],
    stored_key: &[u8],
    record: &Record,
    out: &mut Vec<u8>,
) -> Result<(), StoreError> {
    let id = ring.current_id();
    let cipher = cipher(ring, id, stored_key)?;
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(|error| StoreError::Random(error.into()))?;

    let mut text = Zeroizing::new(Vec::with_capacity(2048));
    let length = u16::try_from(key.len()).map_err(|_| StoreError::Unsupported("so long a key"))?;
    text.extend_from_slice(&length.to_le_bytes());
    text.extend_from_slice(key);
    body::write(record, &mut text)?;
    cipher
        .encrypt_in_place(&Nonce::from(nonce), &associated(id, stored_key), &mut *text)
        .map_err(|_| StoreError::Unsupported("so large a record"))?;

    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&text);
    Ok(())
}

pub(super) fn read(
    ring: &KeyRing,
    stored_key: &[u8],
    sealed: &[u8],
) -> Result<(Vec<u8>, Record), StoreError> {
    let id = key_id(sealed).ok_or(StoreError::Damaged)?;
    let rest = sealed.get(4..).ok_or(StoreError::Damaged)?;
    let (nonce, text) = rest
        .split_first_chunk::<NONCE>()
        .ok_or(StoreError::Damaged)?;
    let mut text = Zeroizing::new(text.to_vec());
    cipher(ring, id, stored_key)?
        .decrypt_in_place(
            &Nonce::from(*nonce),
            &associated(id, stored_key),
            &mut *text,
        )
        .map_err(|_| StoreError::NotAuthentic { id })?;

    let (length, rest) = text.split_first_chunk().ok_or(StoreError::Damaged)?;
    let (key, record) = rest
        .split_at_checked(u16::from_le_bytes(*length).into())
        .ok_or(StoreError::Damaged)?;
    Ok((key.to_vec(), body::read(record)?))
}

/// The key that a sealed body names.
pub(super) fn key_id(sealed: &[u8]) -> Option<u32> {
    sealed
        .split_first_chunk()
        .map(|(id, _)| u32::from_le_bytes(*id))
}

fn cipher(ring: &KeyRing, id: u32, stored_key: &[u8]) -> Result<Aes256Gcm, StoreError> {
    let key = ring
        .value_key(id, stored_key)
        .ok_or(StoreError::KeyMissing { id })?;
    Ok(Aes256Gcm::new((&*key).into()))
}

fn associated(id: u32, stored_key: &[u8]) -> Vec<u8> {
    [&[frame::SEALED], &id.to_le_bytes()[..], stored_key].concat()
}

#[cfg(test)]
mod tests {
    use uid2_core::Timestamp;
    use uid2_core::lifecycle::Policy;

    use super::super::Codec;
    use super::*;

    fn ring() -> KeyRing {
        KeyRing::new([9; 32], 1, [1; 32])
    }

    fn record() -> Record {
        Policy::default().on_service_opt_out(Timestamp::from_millis(7))
    }

    /// A value whose check holds although it was altered: what someone does who
    /// knows the format but not the key.
    fn forged(stored_key: &[u8], value: &[u8], bit: usize) -> Vec<u8> {
        let mut forged = value.to_vec();
        forged[bit / 8] ^= 1 << (bit % 8);
        frame::finish(&mut forged, stored_key);
        forged
    }

    #[test]
    fn what_is_sealed_opens_and_nothing_shows() {
        let codec = Codec::sealed(ring());
        let stored_key = codec.stored_key(b"user-1");
        assert_eq!(stored_key.len(), 32);
        let value = codec.encode(b"user-1", &record()).unwrap();
        let (key, opened) = codec.decode_entry(&stored_key, &value).unwrap();
        assert_eq!((&*key, opened), (&b"user-1"[..], record()));
        for stored in [&value[..], &stored_key] {
            assert!(!stored.windows(6).any(|part| part == b"user-1"));
        }
        let again = codec.encode(b"user-1", &record()).unwrap();
        assert_ne!(*value, *again, "the same nonce twice");
    }

    #[test]
    fn no_altered_value_opens_even_with_a_check_that_holds() {
        let codec = Codec::sealed(ring());
        let stored_key = codec.stored_key(b"user-1");
        let value = codec.encode(b"user-1", &record()).unwrap();
        // From the key id on; format and check are the frame's.
        for bit in 5 * 8..value.len() * 8 {
            let error = codec
                .decode(&stored_key, &forged(&stored_key, &value, bit))
                .unwrap_err();
            let expected = matches!(
                error,
                StoreError::NotAuthentic { id: 1 } | StoreError::KeyMissing { .. }
            );
            assert!(expected, "bit {bit}: {error:?}");
        }
        for end in 5..value.len() {
            let mut cut = value[..end].to_vec();
            frame::finish(&mut cut, &stored_key);
            assert!(codec.decode(&stored_key, &cut).is_err());
        }
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = codec.decode(&stored_key, &flipped).unwrap_err();
            assert!(matches!(error, StoreError::Damaged));
        }
    }

    #[test]
    fn values_cannot_be_swapped_between_users() {
        let codec = Codec::sealed(ring());
        let (one, two) = (codec.stored_key(b"one"), codec.stored_key(b"two"));
        let value = codec.encode(b"one", &record()).unwrap();
        let error = codec.decode(&two, &value).unwrap_err();
        assert!(matches!(error, StoreError::Damaged), "{error:?}");
        let mut moved = value.to_vec();
        frame::finish(&mut moved, &two);
        let error = codec.decode(&two, &moved).unwrap_err();
        assert!(
            matches!(error, StoreError::NotAuthentic { id: 1 }),
            "{error:?}"
        );
        assert!(codec.decode(&one, &value).is_ok());
    }

    #[test]
    fn keys_are_told_apart() {
        let old = Codec::sealed(ring());
        let stored_key = old.stored_key(b"user");
        let value = old.encode(b"user", &record()).unwrap();
        assert!(old.is_current(&value));

        let rotated = KeyRing::new([9; 32], 2, [2; 32]);
        let error = Codec::sealed(rotated.clone()).decode(&stored_key, &value);
        assert!(matches!(error, Err(StoreError::KeyMissing { id: 1 })));
        let both = Codec::sealed(rotated.with_former_key(1, [1; 32]).unwrap());
        assert_eq!(both.decode(&stored_key, &value).unwrap(), record());
        assert!(!both.is_current(&value));

        let wrong = Codec::sealed(KeyRing::new([9; 32], 1, [3; 32]));
        let error = wrong.decode(&stored_key, &value);
        assert!(matches!(error, Err(StoreError::NotAuthentic { id: 1 })));
    }

    #[test]
    fn plain_and_sealed_are_not_mixed_up() {
        let (plain, sealed) = (Codec::plain(), Codec::sealed(ring()));
        let stored_key = sealed.stored_key(b"user");
        let value = sealed.encode(b"user", &record()).unwrap();
        let error = plain.decode(&stored_key, &value).unwrap_err();
        assert!(matches!(error, StoreError::Encrypted));
        let value = plain.encode(&stored_key, &record()).unwrap();
        let error = sealed.decode(&stored_key, &value).unwrap_err();
        assert!(matches!(error, StoreError::NotEncrypted));
    }
}
