//! `cargo xtask simulate`: the deterministic simulation, optimized.

use anyhow::Result;

use crate::run::{cargo, run};

/// What the simulation is told; see `cargo xtask simulate -- --help`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on, e.g. `--hours 48 --seed 7`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(crate) fn simulate(args: &Args) -> Result<()> {
    let mut command = cargo(&[
        "run",
        "--locked",
        "--release",
        "--package",
        "uid2-sim",
        "--",
    ]);
    run(command.args(&args.args))
}
