#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod error;
mod establish;
mod flight;
#[cfg(doc)]
mod guide;
mod keys;
mod leave;
mod optout;
mod outcome;
mod publisher;
mod refresh;
mod refresher;
mod tasks;
mod token;

pub use builder::{Builder, BuilderError};
pub use error::Error;
pub use establish::Establish;
#[cfg(doc)]
#[doc(inline)]
pub use guide::_guide;
pub use outcome::{Established, TokenOutcome};
pub use publisher::Publisher;
pub use refresher::Refresher;
pub use uid2_core as core;
pub use uid2_core::lifecycle::{NoToken, OptOut, OptOutReason, Policy};
pub use uid2_core::{AdvertisingToken, Dii, Eid, Identity};
pub use uid2_http as http;
pub use uid2_store as store;
