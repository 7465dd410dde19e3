//! The site over plain HTTP, without a browser: what it does, and what it
//! refuses.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail a test"
)]

mod guards;
mod logs;
mod places;
mod sessions;
mod stories;
mod support;
