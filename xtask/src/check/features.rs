//! Each library builds with every feature alone, with every two, with none, and
//! with all, without a warning: features only ever add.

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
        let sets = sets(&package.features());
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
    ensure!(built > 20, "only {built} sets were built");
    say(&format!("{built} builds"));
    Ok(())
}

/// None, one, two, and all of them.
fn sets(features: &[String]) -> BTreeSet<String> {
    let mut sets = BTreeSet::from([String::new(), features.join(",")]);
    for one in features {
        sets.insert(one.clone());
        let others = features.iter().filter(|other| *other > one);
        sets.extend(others.map(|other| format!("{one},{other}")));
    }
    sets
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
