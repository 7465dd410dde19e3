//! The sample site in a real browser.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::run::{cargo, has, run, target};
use crate::steps::Outcome;

/// The accessibility checker, of npm.
const AXE: &str = "axe-core@4.14.1";

/// Runs `uid2-site`'s browser tests, with what they need installed where that
/// is possible.
pub(crate) fn step() -> Result<Outcome> {
    if !has_browser() {
        return Ok(Outcome::Skipped(
            "chromium and chromium-driver are not installed and could not be: the site is not \
             tested in a browser"
                .into(),
        ));
    }
    let Some(axe) = axe() else {
        return Ok(Outcome::Skipped(format!(
            "{AXE} could not be installed by npm: the site is not tested in a browser"
        )));
    };
    // Of the whole workspace, as the tests before it: else it would be built anew.
    let args = [
        "test",
        "--workspace",
        "--all-features",
        "--locked",
        "--test",
        "browser",
    ];
    run(cargo(&args).env("UID2_SITE_AXE", axe))?;
    Ok(Outcome::Passed)
}

fn has_browser() -> bool {
    let both = || has("chromium") && has("chromedriver");
    if both() || !has("apt-get") {
        return both();
    }
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        run(command.args(args).env("DEBIAN_FRONTEND", "noninteractive")).is_ok()
    };
    let packages = ["chromium", "chromium-driver"];
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    apt(&["update", "-qq"]) && apt(&[&install[..], &packages].concat()) && both()
}

/// Where its script is.
fn axe() -> Option<PathBuf> {
    let folder = target().join("axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    // npm finds out by itself that it is there already.
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
    ])
    .arg("--prefix")
    .arg(&folder)
    .arg(AXE);
    let installed = std::fs::create_dir_all(&folder).is_ok() && run(&mut npm).is_ok();
    (installed || script.is_file()).then_some(script)
}
