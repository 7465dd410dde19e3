//! `cargo xtask guard`: what is promised of the crates beside what they do, and
//! takes longer to check than `cargo xtask test` should.

use anyhow::Result;

use crate::check;
use crate::fuzz;
use crate::steps::Steps;

/// Which guards to run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these (as named in the summary); all unless given.
    guards: Vec<String>,
    /// Take the public API as it is now for what it should be.
    #[arg(long)]
    bless: bool,
}

pub(crate) fn all(args: &Args) -> Result<bool> {
    let mut steps = Steps::new(&args.guards);
    steps.check("pure", check::pure::run);
    steps.check("secrets", check::secrets::run);
    steps.step("rust-version", check::rust_version::run);
    steps.step("unused", check::unused::run);
    steps.step("deny", check::deny::run);
    steps.check("features", check::features::run);
    steps.step("minimal", check::minimal::run);
    steps.step("api", || check::api::run(args.bless));
    steps.check("docs", check::docs::run);
    steps.check("fuzz", fuzz::builds);
    steps.check("package", check::package::run);
    Ok(steps.finish())
}
