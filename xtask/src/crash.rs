//! `cargo xtask crash`: kills writers of a file store at random moments, fails what
//! its engine does, cuts its power, and looks whether anything acknowledged was lost.

use anyhow::Result;

use crate::run::{cargo, run};

/// How often, and from which seed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many writers to kill, of a plain and of an encrypted store each, and how
    /// many operations to fail at most in each of the ways to fail them.
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
        "--test",
        "engine_faults",
        "--",
        "--nocapture",
    ]);
    for (count, seed) in [
        ("UID2_CRASH_ROUNDS", "UID2_CRASH_SEED"),
        ("UID2_FAULTS", "UID2_FAULTS_SEED"),
    ] {
        command.env(count, args.rounds.to_string());
        if let Some(given) = args.seed {
            command.env(seed, given.to_string());
        }
    }
    run(&mut command)
}
