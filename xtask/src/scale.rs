//! `cargo xtask scale`: what one user costs, with ten thousand of them and with a
//! million.

use anyhow::Result;

use crate::run::{cargo, root, run};

/// How many users.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// In growing order.
    #[arg(default_values_t = [10_000, 100_000, 1_000_000])]
    users: Vec<usize>,
}

/// Fails if a user costs more the more there are.
pub(crate) fn scale(args: &Args) -> Result<()> {
    let mut command = cargo(&[
        "run",
        "--locked",
        "--profile",
        "bench",
        "--package",
        "uid2-benches",
        "--example",
        "scale",
        "--",
    ]);
    command.arg(root().join("target/scale"));
    command.args(args.users.iter().map(ToString::to_string));
    run(&mut command)
}
