#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod codec;
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
mod contract;
mod copy;
mod dynamic;
mod error;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(any(feature = "file", feature = "memory"))]
mod key;
mod lease;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod unreadable;

#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use self::redis::{RedisOptions, RedisStats, RedisStore};
pub use codec::{Codec, Resealed, check_key};
#[cfg(feature = "encryption")]
#[cfg_attr(docsrs, doc(cfg(feature = "encryption")))]
pub use codec::{KeyRing, KeyRingError};
pub use contract::{DueKey, Entry, Precondition, TokenStore, Version};
pub use copy::{Copied, Cursor, Scan, Scanned, ScannedEntry, copy};
pub use dynamic::{BoxFuture, DynTokenStore};
pub use error::StoreError;
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
pub use file::{FileOptions, FileStats, FileStore, Verified};
pub use lease::{Lease, Leases};
#[cfg(feature = "memory")]
#[cfg_attr(docsrs, doc(cfg(feature = "memory")))]
pub use memory::MemoryStore;
pub use uid2_core::lifecycle::Record;
pub use unreadable::Unreadable;
