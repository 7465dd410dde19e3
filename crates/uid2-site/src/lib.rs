#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod app;
mod clock;
mod error;
mod event;
mod form;
mod guard;
mod handler;
mod keys;
mod observed;
mod operator;
mod options;
mod page;
mod records;
mod serve;
mod site;
mod visitor;

pub use error::StartError;
pub use options::{Limits, Operator, Options, OriginError, default_data_folder};
pub use site::Site;
