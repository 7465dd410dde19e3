#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod config;
mod emulator;
mod endpoint;
mod operator;
mod server;
mod shell;

pub use clock::{Clock, system_clock};
pub use config::{Client, ClientError, Config, Lifetimes, LifetimesError, Role, Roles};
pub use emulator::{Builder, Emulator, StartError};
pub use operator::Operator;
pub use shell::route::Endpoint;
