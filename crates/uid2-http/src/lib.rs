#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod error;
#[cfg(feature = "hyper")]
pub mod hyper;
mod observe;
mod runtime;
mod transport;

#[cfg(feature = "hyper")]
pub use crate::hyper::HyperTransport;
pub use client::{Client, ClientBuilder, RetryPolicy};
pub use error::{Error, ErrorKind};
pub use runtime::Runtime;
#[cfg(feature = "tokio")]
pub use runtime::TokioRuntime;
pub use transport::{Transport, TransportError, TransportErrorKind};
