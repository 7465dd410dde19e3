//! A deterministic simulation of the whole: publishers, the store they share,
//! the network and the operator, in one thread, under virtual time, with seeded
//! faults: users come and go, nodes crash and come back, clocks jump, and the
//! operator changes lifetimes, rotates keys and salts, and opts people out.
//!
//! [`play`] plays it; [`Ledger`](ledger::Ledger) is who watches. After each
//! step, none of these may ever have been:
//!
//! - a token served after a logout or an opt-out was acknowledged;
//! - a token served past its expiry, by the clock of who serves it, or one that
//!   is somebody else's or was never stored;
//! - an identity for who had opted out;
//! - two refreshes of one user in flight on one node, or, with leases, in the
//!   whole cluster;
//! - anything personal or secret in what is logged.
//!
//! And in the end: once faults stop and clocks are right, whoever has an identity
//! that can be refreshed has a token within twelve minutes of being asked for,
//! and no user was ever refreshed more often than pauses allow.
//!
//! The publisher's own tests use [`Sim`] as their runtime.

#![forbid(unsafe_code)]

mod crowd;
pub mod faults;
mod flaw;
pub mod leases;
pub mod ledger;
pub mod logs;
pub mod network;
mod play;
mod runtime;
pub mod store;

pub use flaw::Flaw;
pub use play::{Options, Report, play};
pub use runtime::{Node, Sim, yield_now};
