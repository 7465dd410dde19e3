//! The declared `rust-version` is true: every crate declares it, no dependency
//! needs a newer compiler, no newer API of the standard library is used, and what
//! rustup has of that version builds everything.
//!
//! Newer APIs are refused by clippy's `incompatible_msrv`, in the step `clippy` of
//! `cargo xtask test`; that it does is shown here, on a planted one.

use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use super::scratch::Scratch;
use crate::run::{capture, cargo, root, run as run_command};
use crate::steps::{Outcome, say};

/// Major and minor.
type Version = (u32, u32);

pub(crate) fn run() -> Result<Outcome> {
    planted_api()?;
    let metadata = metadata()?;
    let declared = declared(&metadata)?;
    let newer = newer(&metadata, declared);
    ensure!(
        newer.is_empty(),
        "the rust-version is {declared:?}, but these need a newer compiler: {newer:?}"
    );
    ensure!(
        !self::newer(&metadata, (1, 0)).is_empty(),
        "the self-test found no package newer than 1.0: this check proves nothing"
    );
    for workspace in ["fuzz", "xtask/no-std"] {
        let text = std::fs::read_to_string(root().join(workspace).join("Cargo.toml"))?;
        let wanted = format!("rust-version = \"{}.{}\"", declared.0, declared.1);
        ensure!(text.contains(&wanted), "{workspace} must say {wanted}");
    }
    build(declared)
}

/// Builds with the declared version, if that is another than is at work.
fn build(declared: Version) -> Result<Outcome> {
    let here = compiler(&mut Command::new("rustc"))?;
    ensure!(
        here >= declared,
        "the rust-version is {declared:?}, but the compiler here is {here:?}"
    );
    if here == declared {
        say("the compiler here is of the declared version: all other steps build with it");
        return Ok(Outcome::Passed);
    }
    let toolchain = format!("{}.{}", declared.0, declared.1);
    let mut rustc = Command::new("rustup");
    rustc.args(["run", &toolchain, "rustc"]);
    if compiler(&mut rustc).is_err() {
        return Ok(Outcome::Skipped(format!(
            "rustup has no toolchain {toolchain} to build with (clippy has looked for newer APIs)"
        )));
    }
    let mut build = Command::new("rustup");
    build
        .args(["run", &toolchain, "cargo", "check", "--workspace"])
        .args(["--all-features", "--all-targets", "--locked"])
        .current_dir(root())
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN");
    run_command(&mut build).map(|()| Outcome::Passed)
}

fn compiler(rustc: &mut Command) -> Result<Version> {
    let said = capture(rustc.arg("--version"))?.map_err(|complaint| anyhow!(complaint))?;
    let version = said.split(' ').nth(1).and_then(version);
    version.with_context(|| format!("not a version: {said}"))
}

fn version(text: &str) -> Option<Version> {
    let mut numbers = text.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn metadata() -> Result<Value> {
    let mut command = cargo(&["metadata", "--locked", "--format-version", "1"]);
    command.arg("--all-features");
    let json = capture(&mut command)?.map_err(|complaint| anyhow!(complaint))?;
    Ok(serde_json::from_str(&json)?)
}

/// Each package that says which version it needs: its name, that version, and
/// whether it is ours.
fn packages(metadata: &Value) -> impl Iterator<Item = (&str, Option<Version>, bool)> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    packages.into_iter().flatten().filter_map(|package| {
        let text = |name| package.get(name).and_then(Value::as_str);
        // Those of a registry have a source.
        let ours = text("source").is_none();
        Some((text("name")?, text("rust_version").and_then(version), ours))
    })
}

/// What all crates of ours say.
fn declared(metadata: &Value) -> Result<Version> {
    let mut declared = None;
    for (name, version, _) in packages(metadata).filter(|(_, _, ours)| *ours) {
        let version = version.with_context(|| format!("{name} declares no rust-version"))?;
        if *declared.get_or_insert(version) != version {
            bail!("{name} declares another rust-version, {version:?}");
        }
    }
    declared.context("there is no crate of ours")
}

/// Which dependencies need a newer compiler.
fn newer(metadata: &Value, than: Version) -> Vec<&str> {
    packages(metadata)
        .filter(|(_, version, ours)| !ours && version.is_some_and(|version| version > than))
        .map(|(name, _, _)| name)
        .collect()
}

/// Clippy refuses an API that is newer than the declared version.
fn planted_api() -> Result<()> {
    // Since 1.80.
    let source = "pub fn half(text: &str) -> Option<(&str, &str)> {\n    \
                  text.split_at_checked(text.len() / 2)\n}\n";
    for (declared, refused) in [("1.79", true), ("1.80", false)] {
        let manifest = format!(
            "name = \"old\"\nversion = \"0.0.0\"\nedition = \"2021\"\nrust-version = \"{declared}\"\n"
        );
        let scratch = Scratch::new("old", &manifest, source)?;
        let mut command = scratch.cargo(&["clippy", "--quiet", "--offline", "--"]);
        match (capture(command.args(["-D", "warnings"]))?, refused) {
            (Err(complaint), true) if complaint.contains("current MSRV") => {}
            (Ok(_), false) => {}
            (Err(complaint), _) => bail!("clippy failed for another reason:\n{complaint}"),
            (Ok(_), true) => bail!("clippy took an API of 1.80 for one of {declared}"),
        }
    }
    Ok(())
}
