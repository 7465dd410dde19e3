//! The operations, told what an operator (or something in front of it) may say:
//! every status and message of protocol, sections 2 to 9, to an exact outcome.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod fixture;
mod generate;
mod logout;
mod redaction;
mod refresh;
mod requests;
mod shell;
mod validate;
