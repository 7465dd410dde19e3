//! What stands between a request and the pages.

pub(crate) mod body;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod log;
pub(crate) mod rate;
