//! The endpoints, one file each.

mod consent;
mod input;

pub(crate) mod generate;
pub(crate) mod healthcheck;
pub(crate) mod logout;
pub(crate) mod refresh;
pub(crate) mod validate;
