//! The public API of each library: of which other crates it names anything, and
//! all of it as a text in `xtask/public-api`, so that a change of it is seen in
//! review. `cargo xtask guard api --bless` writes those texts.
//!
//! What another crate's types stand for in ours is ours to keep: a new major
//! version of that crate is one of ours. So each is listed here, with the reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};

use super::packages;
use super::rustdoc::Documented;
use crate::run::{capture, cargo, root, run as run_command, target};
use crate::steps::{Outcome, say};

/// Of which crates a library may name anything, the standard library aside.
const FOREIGN: &[(&str, &[&str])] = &[
    (
        "uid2-core",
        &[
            // Randomness comes in as its trait; secrets go out in its wrapper.
            "rand_core",
            "zeroize",
            // Feature `http`.
            "http",
            // `Serialize` and `Deserialize`, of which serde is made.
            "serde_core",
        ],
    ),
    ("uid2-token", &["rand_core", "uid2_core", "zeroize"]),
    ("uid2-http", &["bytes", "http", "rand_core", "uid2_core"]),
    ("uid2-store", &["uid2_core", "zeroize"]),
    (
        "uid2-publisher",
        &["uid2_core", "uid2_http", "uid2_store", "zeroize"],
    ),
    (
        "uid2-emulator",
        &["bytes", "http", "rand_core", "uid2_core", "uid2_token"],
    ),
];

const STANDARD: &[&str] = &["alloc", "core", "std"];

pub(crate) fn run(bless: bool) -> Result<Outcome> {
    self_test()?;
    let lister = build()?;
    let mut wrong = Vec::new();
    for package in packages::libraries()? {
        let (name, features) = (package.name()?, package.public_features());
        let documented = Documented {
            name,
            features: &features,
        };
        let mut list = Command::new(&lister);
        let api = match capture(list.arg(documented.json()?))? {
            Ok(api) => api,
            Err(complaint) if complaint.contains("format") => {
                return Ok(Outcome::Skipped(format!(
                    "this toolchain's rustdoc writes another format than is read: {complaint}"
                )));
            }
            Err(complaint) => return Err(anyhow!(complaint)),
        };
        ensure!(
            api.lines().count() > 50,
            "{name} has next to no API:\n{api}"
        );
        wrong.extend(foreign(name, &api)?);
        wrong.extend(differences(name, &api, bless)?);
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(Outcome::Passed)
}

/// Builds the program that lists, and tells where it is.
fn build() -> Result<PathBuf> {
    let folder = target().join("guard/api");
    let mut command = cargo(&["build", "--quiet", "--locked", "--manifest-path"]);
    command.arg(root().join("xtask/api/Cargo.toml"));
    run_command(command.arg("--target-dir").arg(&folder))?;
    let program = folder.join("debug/uid2-api");
    Ok(program.with_extension(std::env::consts::EXE_EXTENSION))
}

/// Crates that the API names and must not, and those that it no longer names.
fn foreign(name: &str, api: &str) -> Result<Vec<String>> {
    let listed = FOREIGN.iter().find(|(of, _)| *of == name);
    let (_, listed) = listed.with_context(|| format!("{name} has no list of foreign crates"))?;
    let own = name.replace('-', "_");
    let found: BTreeSet<&str> = api.lines().flat_map(crates).collect();
    let allowed = |krate: &str| krate == own || STANDARD.contains(&krate);
    let mut wrong = Vec::new();
    for krate in found.iter().filter(|krate| !allowed(krate)) {
        if !listed.contains(krate) {
            let line = api.lines().find(|line| crates(line).any(|it| it == *krate));
            let line = line.unwrap_or_default();
            wrong.push(format!("{name} has {krate} in its API: {line}"));
        }
    }
    for krate in listed.iter().filter(|krate| !found.contains(*krate)) {
        wrong.push(format!(
            "{name} no longer has {krate} in its API: remove it here"
        ));
    }
    Ok(wrong)
}

/// The crates that a line names: the first parts of its paths.
fn crates(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("::").filter_map(|(at, _)| {
        let before = line.get(..at)?;
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let from = before.rfind(|c| !part(c)).map_or(0, |at| at + 1);
        let first = before.get(from..)?;
        let begins = !before.get(..from)?.ends_with("::");
        let is_crate = first.starts_with(|c: char| c.is_lowercase() || c == '_');
        (begins && is_crate).then_some(first)
    })
}

/// What is other than the text says; or the text, written.
fn differences(name: &str, api: &str, bless: bool) -> Result<Vec<String>> {
    let file = root().join("xtask/public-api").join(format!("{name}.txt"));
    if bless {
        fs::create_dir_all(root().join("xtask/public-api"))?;
        fs::write(&file, api)?;
        say(&format!("{name}: {} items written", api.lines().count()));
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&file).unwrap_or_default();
    Ok(compare(name, &text, api))
}

fn compare(name: &str, text: &str, api: &str) -> Vec<String> {
    let (before, now): (BTreeSet<_>, BTreeSet<_>) = (text.lines().collect(), api.lines().collect());
    let gone = before
        .difference(&now)
        .map(|line| format!("{name}: - {line}"));
    let new = now
        .difference(&before)
        .map(|line| format!("{name}: + {line}"));
    let mut differences: Vec<String> = gone.chain(new).collect();
    if !differences.is_empty() {
        differences.push("if that was meant: cargo xtask guard api --bless".into());
    }
    differences
}

/// A foreign type is found wherever it stands, and a change is.
fn self_test() -> Result<()> {
    let planted = [
        "pub fn uid2_token::f(tokio::net::TcpStream)",
        "pub fn uid2_token::f() -> core::result::Result<(), &tokio::io::Error>",
        "impl tokio::Trait for uid2_token::Type",
        "pub uid2_token::Type::field: alloc::vec::Vec<tokio::Type>",
    ];
    let usual = "impl rand_core::X for uid2_core::Y<zeroize::Zeroizing>";
    for line in planted {
        let found = foreign("uid2-token", &format!("{usual}\n{line}"))?;
        ensure!(
            found.len() == 1 && found.iter().all(|it| it.contains("tokio")),
            "the self-test found {found:?} in {line}: this check proves nothing"
        );
    }
    ensure!(
        foreign("uid2-token", usual)?.is_empty(),
        "nothing was planted"
    );
    ensure!(
        compare("x", "pub fn a()\npub fn b()\n", "pub fn a()\npub fn c()\n").len() == 3,
        "the self-test found no change: this check proves nothing"
    );
    Ok(())
}
