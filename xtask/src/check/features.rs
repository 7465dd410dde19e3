//! Each library builds with every set of its features, from none to all, without a
//! warning: features only ever add.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};

use super::packages;
use super::scratch::Scratch;
use crate::run::{capture, cargo};
use crate::steps::say;

pub(crate) fn run() -> Result<()> {
    planted()?;
    let mut built = 0;
    for package in packages::libraries()? {
        let name = package.name()?;
        let features = package.features();
        ensure!(
            features.len() <= MOST,
            "{name} has {} features: their sets are too many to build",
            features.len()
        );
        let sets = sets(&features);
        say(&format!("{name}: {} sets of features", sets.len()));
        for set in &sets {
            let mut command = cargo(&["clippy", "--quiet", "--locked", "--lib", "--package", name]);
            command.args(["--no-default-features", "--features", set]);
            if let Err(complaint) = capture(command.args(["--", "-D", "warnings"]))? {
                bail!("{name} with the features {set:?}:\n{complaint}");
            }
            built += 1;
        }
    }
    ensure!(built > 100, "only {built} sets were built");
    say(&format!("{built} builds"));
    Ok(())
}

/// The sets of more features than these would take hours.
const MOST: usize = 7;

/// Every set: of each feature, it is in or not.
fn sets(features: &[String]) -> BTreeSet<String> {
    let mut sets: Vec<Vec<&str>> = vec![Vec::new()];
    for feature in features {
        let without = sets.clone();
        sets.extend(without.into_iter().map(|mut set| {
            set.push(feature);
            set
        }));
    }
    sets.iter().map(|set| set.join(",")).collect()
}

/// Two features that each build, and do not build together; and one that warns.
fn planted() -> Result<()> {
    let manifest = "name = \"quarrel\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                    [features]\na = []\nb = []\nc = []\n";
    let source = "#[cfg(feature = \"a\")]\npub fn f() {}\n#[cfg(feature = \"b\")]\npub fn f() {}\n\
                  #[cfg(feature = \"c\")]\nuse std::fmt;\n";
    let scratch = Scratch::new("quarrel", manifest, source)?;
    let names = ["a", "b", "c"].map(str::to_owned);
    let mut failed = Vec::new();
    for set in sets(&names) {
        let mut command = scratch.cargo(&["clippy", "--quiet", "--offline", "--features", &set]);
        if capture(command.args(["--", "-D", "warnings"]))?.is_err() {
            failed.push(set);
        }
    }
    ensure!(
        failed == ["a,b", "a,b,c", "a,c", "b,c", "c"],
        "the self-test failed with {failed:?}: this check proves nothing"
    );
    Ok(())
}
