//! What the `uid2` command does. This library is there for the binary and for
//! tests; its one function is no interface to build upon. To put UID2 into a
//! program, take `uid2-publisher`, or `uid2-core` with an HTTP client of yours.
//!
//! `uid2 --help` explains the command.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(
    clippy::doc_markdown,
    reason = "the comments of arguments are the text of --help"
)]

mod cli;
mod clock;
mod completions;
mod credentials;
mod csv;
mod demo;
mod dii;
mod doctor;
mod duration;
mod emulator;
mod envelope;
mod exit;
mod failure;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hash;
mod inspect;
mod man;
mod output;
mod site;
mod store;
mod token;
mod wire;

use std::process::ExitCode;

/// Runs `uid2` with the arguments of this process, and gives its exit status
/// (see `uid2 --help`).
#[must_use]
pub fn main() -> ExitCode {
    cli::Cli::read().run().into()
}

/// The examples of the workspace's README, which compile as documentation tests.
/// (The file lies outside of this package: only a checkout can run them.)
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
