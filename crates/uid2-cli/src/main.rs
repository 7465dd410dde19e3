//! The `uid2` command. What it does is in the library of this package.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    uid2_cli::main()
}
