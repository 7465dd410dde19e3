//! Columns, whatever type they say they have.
//!
//! A flipped bit in a row's head makes a column another type. That is one record's
//! damage, and must not end what goes over all of them.

use rusqlite::Row;
use rusqlite::types::ValueRef;

/// The bytes of a text or a blob; none of anything else, and no value of ours is
/// empty.
pub(super) fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<u8>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    })
}

/// An integer, if it is one.
pub(super) fn integer(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(integer) => Some(integer),
        _ => None,
    })
}
