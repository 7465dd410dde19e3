#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod contract;
mod dynamic;
mod error;

pub use contract::{DueKey, Entry, Precondition, TokenStore, Version};
pub use dynamic::{BoxFuture, DynTokenStore};
pub use error::StoreError;
pub use uid2_core::lifecycle::Record;
