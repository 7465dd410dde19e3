//! Checks of the repository itself. Each has a negative self-test: a check that
//! cannot fail checks nothing.

pub(crate) mod api;
#[cfg(test)]
mod citations;
pub(crate) mod deny;
pub(crate) mod docs;
pub(crate) mod features;
pub(crate) mod layers;
pub(crate) mod minimal;
pub(crate) mod no_std;
pub(crate) mod package;
mod packages;
pub(crate) mod pure;
pub(crate) mod rust_version;
pub(crate) mod rustdoc;
mod scratch;
pub(crate) mod secrets;
mod source;
pub(crate) mod unsafe_code;
pub(crate) mod unused;
