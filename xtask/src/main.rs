//! The project's own commands: `cargo xtask <command>`.

mod check;
mod run;
mod steps;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Commands for working on this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that must pass: formatting, lints, tests, docs, the proof of no standard library, layers, demo.
    Test(test::Args),
    /// The proof that uid2-core needs no standard library, with its negative self-test.
    NoStd,
    /// The check that arrows between crates only point down, with its negative self-test.
    Layers,
}

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Test(args) => test::all(&args),
        Command::NoStd => check::no_std::run().map(|()| true),
        Command::Layers => check::layers::run().map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            steps::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
