//! Reading and writing big-endian fields.

use alloc::vec::Vec;

use uid2_core::Timestamp;
use zeroize::Zeroizing;

use crate::error::TokenError;

/// Takes fields off the front of a message.
pub(crate) struct Reader<'a> {
    all: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            all: bytes.len(),
            rest: bytes,
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], TokenError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(self.needs(N))?;
        self.rest = rest;
        Ok(*array)
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], TokenError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(self.needs(len))?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, TokenError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, TokenError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, TokenError> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn timestamp(&mut self) -> Result<Timestamp, TokenError> {
        self.i64().map(Timestamp::from_millis)
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Insists that nothing is left.
    pub(crate) const fn end(&self) -> Result<(), TokenError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(TokenError::TooLong { extra }),
        }
    }

    const fn needs(&self, more: usize) -> TokenError {
        TokenError::TooShort {
            found: self.all,
            min: (self.all - self.rest.len()).saturating_add(more),
        }
    }
}

/// Appends fields to a message that is wiped on drop.
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn i32(self, value: i32) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn i64(self, value: i64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn timestamp(self, value: Timestamp) -> Self {
        self.i64(value.as_millis())
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}
