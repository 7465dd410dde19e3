//! The little JSON that requests are made of.

use alloc::vec::Vec;

use serde::Serialize as _;

/// Appends `"key":"value"`, escaped.
pub(crate) fn write_member(out: &mut Vec<u8>, key: &str, value: &str) {
    write_string(out, key);
    out.push(b':');
    write_string(out, value);
}

/// Appends a JSON string literal.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail.
    let _ = text.serialize(&mut serde_json::Serializer::new(out));
}
