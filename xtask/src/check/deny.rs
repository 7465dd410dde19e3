//! Licences, sources and advisories of everything the crates are built from, by
//! cargo-deny and `xtask/deny.toml`.
//!
//! Advisories are kept in a git repository. Where that cannot be fetched, the
//! rest is checked all the same, and the guard is skipped, not passed.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use super::scratch::Scratch;
use crate::run::{capture, root, run as run_command};
use crate::steps::Outcome;
use crate::tools::Tool;

const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

pub(crate) fn run() -> Result<Outcome> {
    let deny = match DENY.get()? {
        Ok(deny) => deny,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    planted(&deny)?;
    if let Some(complaint) = check(&deny, &root(), &["licenses", "bans", "sources"])? {
        bail!("{complaint}");
    }
    match check(&deny, &root(), &["advisories"])? {
        None => Ok(Outcome::Passed),
        Some(complaint) if complaint.contains("failed to fetch advisory database") => {
            Ok(Outcome::Skipped(
                "licences, bans and sources are as they should be; the advisory database \
                 could not be fetched"
                    .into(),
            ))
        }
        Some(complaint) => bail!("{complaint}"),
    }
}

/// What it complains of, if anything.
fn check(deny: &Path, folder: &Path, which: &[&str]) -> Result<Option<String>> {
    let mut command = Command::new(deny);
    command
        .args(["--log-level", "error", "--all-features", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .arg("--config")
        .arg(root().join("xtask/deny.toml"))
        .arg("check")
        .args(which);
    Ok(capture(&mut command)?.err())
}

/// A licence that is not listed, a dependency in any version, and one that is on no
/// registry. Not planted is what would have to be fetched: an advisory, OpenSSL.
fn planted(deny: &Path) -> Result<()> {
    let package = |license: &str, dependencies: &str| {
        format!(
            "name = \"denied\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             license = \"{license}\"\n{dependencies}"
        )
    };
    let wild = "\n[dependencies]\nsubtle = \"*\"\n";
    let elsewhere = format!("\n[dependencies]\n{}\n", elsewhere()?);
    for (manifest, which, told) in [
        (package("GPL-3.0-only", ""), "licenses", Some("GPL-3.0")),
        (package("MIT", ""), "licenses", None),
        (package("MIT", wild), "bans", Some("wildcard")),
        (package("MIT", ""), "bans", None),
        (package("MIT", &elsewhere), "sources", Some("elsewhere")),
        (package("MIT", ""), "sources", None),
    ] {
        let scratch = Scratch::new("denied", &manifest, "")?;
        let complaint = check(deny, scratch.folder(), &[which])?;
        match told {
            None => ensure!(complaint.is_none(), "the self-test: {complaint:?}"),
            Some(told) => ensure!(
                complaint.is_some_and(|complaint| complaint.contains(told)),
                "the self-test did not find what was planted ({told}): this check proves nothing"
            ),
        }
    }
    Ok(())
}

/// A dependency in a git repository of its own.
fn elsewhere() -> Result<String> {
    let manifest = "name = \"elsewhere\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
    let scratch = Scratch::new("elsewhere", manifest, "")?;
    let folder = scratch.folder();
    for args in [
        &["init", "--quiet"][..],
        &["add", "."],
        &[
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@example.com",
            "commit",
            "--quiet",
            "--message=x",
        ],
    ] {
        run_command(Command::new("git").current_dir(folder).args(args))?;
    }
    Ok(format!(
        "elsewhere = {{ git = \"file://{}\" }}",
        folder.display()
    ))
}
