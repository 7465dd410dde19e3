//! The programs of this workspace.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::run::{capture, cargo};

/// All that are run here, not optimized. The whole workspace with all features,
/// for so the tests have built it: with other features it would be built anew.
pub(crate) fn programs() -> Result<Vec<(String, PathBuf)>> {
    build(&[
        "build",
        "--workspace",
        "--all-features",
        "--locked",
        "--examples",
        "--bin=uid2",
        "--bin=uid2-sim",
    ])
}

/// One of [`programs`].
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    one_of(programs()?, name)
}

/// One that cargo is told to build.
pub(crate) fn program_of(args: &[&str], name: &str) -> Result<PathBuf> {
    one_of(build(args)?, name)
}

fn one_of(programs: Vec<(String, PathBuf)>, name: &str) -> Result<PathBuf> {
    let found = programs.into_iter().find(|(program, _)| program == name);
    let (_, path) = found.with_context(|| format!("cargo did not build {name}"))?;
    Ok(path)
}

/// Names and paths of what cargo builds.
fn build(args: &[&str]) -> Result<Vec<(String, PathBuf)>> {
    let mut command = cargo(args);
    command.arg("--message-format=json-render-diagnostics");
    let lines = capture(&mut command)?.map_err(|complaint| anyhow!(complaint))?;
    let messages = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let programs = messages.filter_map(|message| {
        let name = message.pointer("/target/name")?.as_str()?.to_owned();
        Some((name, message.get("executable")?.as_str()?.into()))
    });
    Ok(programs.collect())
}
