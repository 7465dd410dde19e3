#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Python, Java, JavaScript, mobile apps, Prebid.js and curl.
///
#[cfg(doc)]
#[doc = include_str!("../docs/pointing-sdks-at-it.md")]
pub mod _pointing_sdks_at_it {}

mod admin;
mod clock;
mod config;
mod emulator;
mod endpoint;
pub mod fault;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod operator;
mod server;
mod shell;
mod socket;

pub use clock::{Clock, system_clock};
pub use config::{
    Client, ClientError, Config, ConfigError, Lifetimes, LifetimesError, Role, Roles,
};
pub use config::{Keypair, KeypairError, Keyset, Site};
pub use emulator::{Builder, Emulator, StartError};
pub use fault::{Delivery, FAULT_HEADER, Fault, FaultError, FaultRule};
pub use operator::{Operator, RequestRecord};
pub use shell::route::Endpoint;
