//! `uid2-core` needs no standard library: shown by linking a static library
//! that brings its own panic handler and allocator. Were `std` anywhere in its
//! dependency tree, there would be two panic handlers, which rustc refuses.

use anyhow::{Result, bail};

use crate::run::{capture, cargo, root};

fn build(features: &[&str]) -> std::process::Command {
    let manifest = root().join("xtask/no-std/Cargo.toml");
    let target = root().join("target/no-std");
    let mut command = cargo(&["build", "--locked", "--manifest-path"]);
    command.arg(manifest).arg("--target-dir").arg(target);
    command.args(features);
    command
}

pub(crate) fn run() -> Result<()> {
    crate::run::run(&mut build(&[]))?;
    match capture(&mut build(&["--features", "break-it"]))? {
        Err(complaint) if complaint.contains("panic_impl") => Ok(()),
        Err(complaint) => bail!("the self-test failed for another reason:\n{complaint}"),
        Ok(_) => bail!("the self-test linked with std: this check proves nothing"),
    }
}
