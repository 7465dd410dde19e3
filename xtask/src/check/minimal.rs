//! The lower bounds of the manifests are true: with every dependency at the
//! lowest version that its manifest allows, everything still builds.
//!
//! The resolution is an unstable feature of cargo (`-Z direct-minimal-versions`),
//! for which the stable toolchain is told that it may; what it resolved is then
//! built as usual. In a copy, for it changes the lock file.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::scratch::Scratch;
use crate::run::{capture, cargo, root, run as run_command, target};
use crate::steps::Outcome;

pub(crate) fn run() -> Result<Outcome> {
    if let Some(why) = planted()? {
        return Ok(Outcome::Skipped(why));
    }
    let copy = target().join("guard/minimal");
    copy_to(&copy)?;
    let mut resolve = cargo(RESOLVE);
    if let Err(complaint) = capture(resolve.current_dir(&copy).env("RUSTC_BOOTSTRAP", "1"))? {
        return refused(&complaint).map(Outcome::Skipped);
    }
    let mut check = cargo(&[
        "check",
        "--quiet",
        "--locked",
        "--workspace",
        "--all-features",
    ]);
    check
        .args(["--lib", "--bins"])
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", target().join("guard/minimal-target"));
    run_command(&mut check)?;
    Ok(Outcome::Passed)
}

const RESOLVE: &[&str] = &["generate-lockfile", "-Z", "direct-minimal-versions"];

/// Whether it is for want of a network that nothing was resolved.
fn refused(complaint: &str) -> Result<String> {
    let offline = [
        "failed to download",
        "failed to fetch",
        "failed to query",
        "offline",
    ];
    if offline.iter().any(|word| complaint.contains(word)) {
        return Ok("old versions cannot be had from the registry here".into());
    }
    bail!("a lower bound is too low, for another crate needs more:\n{complaint}")
}

/// Everything that git knows of, or would.
fn copy_to(copy: &Path) -> Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy).context("cannot remove the old copy")?;
    }
    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let list = capture(list.current_dir(root()))?.map_err(|complaint| anyhow!(complaint))?;
    let mut copied = 0;
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        let (from, to) = (root().join(path), copy.join(path));
        // Those that are about to be removed are listed, too.
        if !from.is_file() || path == "Cargo.lock" {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&from, &to).with_context(|| format!("cannot copy {path}"))?;
        copied += 1;
    }
    ensure!(copied > 100, "git listed only {copied} files");
    Ok(())
}

/// A bound that is too low is found. Or why that cannot be tried.
fn planted() -> Result<Option<String>> {
    // `OnceRef` is there since 1.17.
    let source = "pub fn f(cell: &once_cell::race::OnceRef<'_, u8>) -> bool {\n    \
                  cell.get().is_some()\n}\n";
    for (bound, builds) in [("1.16", false), ("1.17", true)] {
        let manifest = format!(
            "name = \"low\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [dependencies]\nonce_cell = \"{bound}\"\n"
        );
        let scratch = Scratch::new("low", &manifest, source)?;
        let mut resolve = scratch.cargo(RESOLVE);
        if let Err(complaint) = capture(resolve.env("RUSTC_BOOTSTRAP", "1"))? {
            return refused(&complaint).map(Some);
        }
        let built = capture(&mut scratch.cargo(&["check", "--quiet", "--locked"]))?;
        match (built, builds) {
            (Ok(_), true) => {}
            (Err(complaint), false) if complaint.contains("OnceRef") => {}
            (Ok(_), false) => bail!("the self-test was built: this check proves nothing"),
            (Err(complaint), _) => bail!("the self-test failed for another reason:\n{complaint}"),
        }
    }
    Ok(None)
}
