//! `cargo xtask crash`: kills writers of a file store at random moments, and
//! looks whether anything acknowledged was lost.

use anyhow::Result;

use crate::run::{cargo, run};

/// How often, and from which seed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many writers to kill, of a plain and of an encrypted store each.
    #[arg(long, default_value_t = 200)]
    rounds: u32,
    /// Repeats the moments of a former run, as far as the machine allows.
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) fn crash(args: &Args) -> Result<()> {
    let mut command = cargo(&[
        "test",
        "--locked",
        "--package",
        "uid2-store",
        "--all-features",
        "--test",
        "crash",
    ]);
    command.env("UID2_CRASH_ROUNDS", args.rounds.to_string());
    if let Some(seed) = args.seed {
        command.env("UID2_CRASH_SEED", seed.to_string());
    }
    run(&mut command)
}
