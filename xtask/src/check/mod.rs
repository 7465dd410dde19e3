//! Checks of the repository itself. Each has a negative self-test: a check that
//! cannot fail checks nothing.

pub(crate) mod layers;
pub(crate) mod no_std;
pub(crate) mod pure;
mod scratch;
pub(crate) mod secrets;
mod source;
