//! The project's own commands: `cargo xtask <command>`.

mod browser;
mod built;
mod check;
mod compare;
mod crash;
mod examples;
mod fuzz;
mod guard;
mod interop;
mod run;
mod scale;
mod simulate;
mod steps;
mod test;
mod tools;

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
    /// Publishers, their store, the network and the operator under virtual time.
    Simulate(simulate::Args),
    /// Kills writers of a file store at random moments and looks for what was lost.
    Crash(crash::Args),
    /// Every fuzz target for a while; needs cargo-fuzz.
    Fuzz(fuzz::Args),
    /// What is promised of the crates: features, versions, licences, the API, packages, docs.
    Guard(guard::Args),
    /// The proof that uid2-core needs no standard library, with its negative self-test.
    NoStd,
    /// The check that arrows between crates only point down, with its negative self-test.
    Layers,
    /// Runs the examples that end by themselves.
    Examples,
    /// Which dependencies have unsafe code, held against what SECURITY.md says.
    Unsafe,
    /// The same work by the official Python and Java SDKs and by ours, measured side by side.
    Compare(compare::Args),
    /// What one user costs with ten thousand of them and with a million, in a table and a plot.
    Scale(scale::Args),
    /// Official SDKs of other languages as clients of the emulator, in a table.
    Interop(interop::Args),
}

fn main() -> ExitCode {
    if let Some(code) = check::rustdoc::instead() {
        return code;
    }
    let result = match Args::parse().command {
        Command::Test(args) => test::all(&args),
        Command::Simulate(args) => simulate::simulate(&args).map(|()| true),
        Command::Crash(args) => crash::crash(&args).map(|()| true),
        Command::Fuzz(args) => fuzz::fuzz(&args),
        Command::Guard(args) => guard::all(&args),
        Command::NoStd => check::no_std::run().map(|()| true),
        Command::Layers => check::layers::run().map(|()| true),
        Command::Examples => examples::run().map(|()| true),
        Command::Unsafe => check::unsafe_code::run().map(|()| true),
        Command::Compare(args) => compare::all(&args),
        Command::Scale(args) => scale::scale(&args).map(|()| true),
        Command::Interop(args) => interop::all(&args),
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
