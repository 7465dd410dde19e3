#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod advertising;
mod data;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hash;
mod key;
mod outside;
mod prefix;
mod privacy;
mod raw;
mod refresh;
mod site_identity;
mod text;
mod wire;

pub use advertising::{Advertising, OperatorStamp, TokenUseError};
pub use data::EncryptedData;
pub use error::TokenError;
pub use hash::{ApiKeyHash, FirstLevelHash, SALT_COUNT};
pub use key::{KeyRing, TokenKey};
pub use outside::{Outside, Version, inspect};
pub use privacy::PrivacyBits;
pub use raw::{RawUid, RawUidVersion, UidEnvironment, UidKey};
pub use refresh::{OUTER_LEN, OuterError, OuterRefreshToken, RefreshToken, RefreshVersion};
