#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

/// What the other documentation calls "the protocol".
#[cfg(doc)]
#[doc = include_str!("../docs/protocol.md")]
pub mod _protocol {}

pub mod dii;
mod eid;
pub mod envelope;
mod environment;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod identity;
mod json;
pub mod lifecycle;
pub mod operation;
mod redact;
mod secret;
mod time;
mod wipe;

pub use dii::{
    Dii, DiiKind, Email, EmailError, EmailHash, HashError, HashText, Phone, PhoneError, PhoneHash,
};
pub use eid::{Eid, OpenRtb};
pub use environment::{BaseUrl, BaseUrlError, Environment, Scope};
pub use identity::{AdvertisingToken, Identity, IdentityError, IdentityState, RefreshToken};
pub use secret::{
    ApiKey, ApiKeyError, ClientSecret, DiiKey, KeyEnvironment, KeyError, ResponseKey,
};
pub use time::{ClockSkew, Timestamp};
