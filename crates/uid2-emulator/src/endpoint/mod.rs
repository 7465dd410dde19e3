//! The endpoints, one file each.

mod consent;
pub(crate) mod input;

pub(crate) mod buckets;
pub(crate) mod client_generate;
pub(crate) mod generate;
pub(crate) mod healthcheck;
pub(crate) mod identity_map_v2;
pub(crate) mod identity_map_v3;
pub(crate) mod keys;
pub(crate) mod logout;
pub(crate) mod optout_status;
pub(crate) mod refresh;
pub(crate) mod validate;
