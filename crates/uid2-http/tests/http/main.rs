//! The client and its transport over real sockets on this machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod bad_answers;
mod connections;
mod failover;
mod http2;
mod limits;
mod logs;
mod proxy;
mod redirects;
mod retries;
mod support;
mod timeouts;
mod tls;
