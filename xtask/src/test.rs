//! `cargo xtask test`: everything that must pass.

use std::process::Command;

use anyhow::Result;

use crate::browser;
use crate::built;
use crate::check;
use crate::examples;
use crate::interop::{self, Sdk};
use crate::run::{cargo, has, run};
use crate::steps::{Outcome, Steps};

/// Which steps to run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these steps (as named in the summary); all unless given.
    steps: Vec<String>,
}

pub(crate) fn all(args: &Args) -> Result<bool> {
    let mut steps = Steps::new(&args.steps);
    steps.check("fmt", || run(&mut cargo(&["fmt", "--all", "--check"])));
    steps.step("redis", || Ok(redis()));
    steps.check("clippy", clippy);
    steps.check("test", || {
        run(&mut cargo(&[
            "test",
            "--workspace",
            "--all-features",
            "--locked",
        ]))
    });
    steps.check("examples", examples::run);
    steps.check("doc", doc);
    steps.check("no-std", check::no_std::run);
    steps.check("layers", check::layers::run);
    steps.check("pure", check::pure::run);
    steps.step("rust-version", check::rust_version::run);
    steps.check("secrets", check::secrets::run);
    steps.check("unsafe", check::unsafe_code::run);
    steps.check("simulate", || {
        // Not optimized: that would build everything once more.
        let mut simulation = Command::new(built::program("uid2-sim")?);
        run(simulation.args(["--seconds", "10"]))
    });
    steps.check("demo", || {
        run(&mut cargo(&["run", "--locked", "--", "demo"]))
    });
    steps.step("browser", browser::step);
    steps.step("interop-python", || interop::step(Sdk::Python));
    steps.step("interop-java", || interop::step(Sdk::Java));
    Ok(steps.finish())
}

fn clippy() -> Result<()> {
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}

fn doc() -> Result<()> {
    let mut command = cargo(&[
        "doc",
        "--workspace",
        "--no-deps",
        "--all-features",
        "--locked",
    ]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The Redis store is tested against a real server, of Debian's packages.
fn redis() -> Outcome {
    if has("redis-server") {
        return Outcome::Passed;
    }
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        run(command.args(args).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    let installed = has("apt-get")
        && apt(&["update", "-qq"]).is_ok()
        && apt(&[
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "redis-server",
        ])
        .is_ok()
        && has("redis-server");
    if installed {
        Outcome::Passed
    } else {
        Outcome::Skipped(
            "redis-server is not installed and could not be: RedisStore is not tested".into(),
        )
    }
}
