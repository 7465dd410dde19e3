//! Refresh tokens (protocol, sections 7 and 15): an inner token that the
//! operator reads, in an outer one that also carries the response key.

mod inner;
mod outer;

pub use inner::{RefreshToken, RefreshVersion};
pub use outer::{OUTER_LEN, OuterError, OuterRefreshToken};
