//! Bodies of the fuzz targets: what must hold whatever the bytes are.
//!
//! No part of the library: the feature `fuzzing` is private, and nothing here
//! is stable. A body panics when what must hold does not.

use uid2_core::fuzzing::Input;

use crate::codec::{Codec, KeyRing, framed};
use crate::{Record, StoreError};

fn ring() -> KeyRing {
    KeyRing::new([9; 32], 1, [1; 32])
}

/// Values of a store: raw, in a frame whose check holds, and written by the
/// codec and then altered. What reads can be written and reads as the same; what
/// is not exactly as it was written is never read as a record.
pub fn store_record(data: &[u8]) {
    let mut input = Input::new(data);
    let how = input.byte();
    let len = usize::from(input.byte() % 40);
    let key = input.take(len);
    let codec = if how & 1 == 0 {
        Codec::plain()
    } else {
        Codec::sealed(ring())
    };
    if how & 2 == 0 {
        let stored_key = codec.stored_key(key);
        let _ = read(&codec, &stored_key, input.rest());
        return;
    }
    let (format, at, flip) = (input.byte() % 4, input.byte().into(), input.byte());
    let value = in_frame(&codec, key, format, input.rest());
    let plain = Codec::plain();
    if let Ok(record) = plain.decode(key, &framed(1, key, body(&value))) {
        written(&codec, key, &record, at, flip);
    }
}

/// The body of a value.
fn body(value: &[u8]) -> &[u8] {
    value.get(5..).unwrap_or_default()
}

/// A value that says to be of this format, and whose check holds.
fn in_frame(codec: &Codec, key: &[u8], format: u8, body: &[u8]) -> Vec<u8> {
    let stored_key = codec.stored_key(key);
    let value = framed(format, &stored_key, body);
    let result = read(codec, &stored_key, &value);
    let sealed = codec.fingerprint().is_some();
    match (format, sealed, result) {
        (0, _, Err(StoreError::Damaged))
        | (1, false, Ok(_) | Err(StoreError::Damaged))
        | (1, true, Err(StoreError::NotEncrypted))
        | (2, false, Err(StoreError::Encrypted))
        | (
            2,
            true,
            Err(
                StoreError::Damaged
                | StoreError::KeyMissing { .. }
                | StoreError::NotAuthentic { .. },
            ),
        )
        | (3.., _, Err(StoreError::NewerFormat { .. })) => {}
        (_, _, result) => unreachable!("format {format}, sealed {sealed}: {result:?}"),
    }
    value.to_vec()
}

/// A value as it is. Whatever reads as a record is written, and reads again.
fn read(codec: &Codec, stored_key: &[u8], value: &[u8]) -> Result<Record, StoreError> {
    let (key, record) = codec.decode_entry(stored_key, value)?;
    assert!(codec.is_current(value));
    assert_eq!(codec.stored_key(&key), stored_key);
    let again = encode(codec, &key, &record);
    match codec.decode(stored_key, &again) {
        Ok(same) => assert_eq!(same, record),
        Err(error) => unreachable!("what was written does not read: {error}"),
    }
    Ok(record)
}

fn encode(codec: &Codec, key: &[u8], record: &Record) -> Vec<u8> {
    match codec.encode(key, record) {
        Ok(value) => value.to_vec(),
        Err(error) => unreachable!("what was read cannot be written: {error}"),
    }
}

/// A record that is written reads under its key, as it is, and not otherwise.
fn written(codec: &Codec, key: &[u8], record: &Record, at: usize, flip: u8) {
    let mut value = encode(codec, key, record);
    let stored_key = codec.stored_key(key);
    match read(codec, &stored_key, &value) {
        Ok(same) => assert_eq!(same, *record),
        Err(error) => unreachable!("what was written does not read: {error}"),
    }
    let damaged = |key: &[u8], value: &[u8]| {
        let error = codec.decode(key, value);
        assert!(matches!(error, Err(StoreError::Damaged)), "{error:?}");
    };
    let cut = value.get(..at).filter(|cut| cut.len() < value.len());
    damaged(&stored_key, cut.unwrap_or_default());
    let mut other = stored_key.to_vec();
    other.push(flip);
    damaged(&other, &value);
    if let Some(byte) = value.get_mut(at)
        && flip != 0
    {
        *byte ^= flip;
        damaged(&stored_key, &value);
    }
}
