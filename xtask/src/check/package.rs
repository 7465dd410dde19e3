//! Every crate that is to be published can be: `cargo package` packs them in the
//! order in which they depend on each other, and builds each from what it packed
//! and the packages before it, without the repository around.
//!
//! What is shown of a crate on its registry page is there, too: metadata, both
//! licences, a README.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, anyhow, bail, ensure};
use serde_json::Value;

use super::packages::{self, Package};
use super::scratch::Scratch;
use crate::run::{capture, cargo, run as run_command, target};
use crate::steps::say;

/// Files that every package has.
const FILES: &[&str] = &["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// The registry takes no more than ten megabytes; ours are texts.
const MAX_BYTES: u64 = 1 << 20;

pub(crate) fn run() -> Result<()> {
    planted()?;
    let packages = packages::all()?.into_iter();
    let (published, kept): (Vec<_>, Vec<_>) = packages.partition(Package::is_published);
    ensure!(published.len() > 5, "too few crates are to be published");
    let mut wrong: Vec<String> = published.iter().flat_map(incomplete).collect();

    let folder = target().join("guard/package");
    let mut package = cargo(&[
        "package",
        "--workspace",
        "--locked",
        "--allow-dirty",
        "--quiet",
    ]);
    package.arg("--target-dir").arg(&folder);
    for package_of_ours in &kept {
        package.args(["--exclude", package_of_ours.name()?]);
    }
    run_command(&mut package)?;
    for package in &published {
        let file = format!("{}-{}.crate", package.name()?, package.text("version"));
        wrong.extend(missing(&folder.join("package").join(file))?);
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    say(&format!("{} crates packed and built", published.len()));
    Ok(())
}

/// What its registry page would lack.
fn incomplete(package: &Package) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = package.text("name");
    for field in [
        "description",
        "license",
        "repository",
        "rust_version",
        "readme",
    ] {
        if package.text(field).is_empty() {
            wrong.push(format!("{name} has no {field}"));
        }
    }
    for (field, most) in [("keywords", 5), ("categories", 5)] {
        let list = package.value().get(field).and_then(Value::as_array);
        let len = list.map_or(0, Vec::len);
        if !(1..=most).contains(&len) {
            wrong.push(format!("{name} has {len} {field}"));
        }
    }
    let all_features = package.value().pointer("/metadata/docs/rs/all-features");
    if all_features != Some(&Value::Bool(true)) {
        wrong.push(format!("{name} does not have docs.rs show all features"));
    }
    wrong
}

/// What a packed crate lacks, or has too much of.
fn missing(file: &Path) -> Result<Vec<String>> {
    let mut list = Command::new("tar");
    list.arg("-tzf").arg(file);
    let list = capture(&mut list)?.map_err(|complaint| anyhow!(complaint))?;
    let shown = file.file_name().unwrap_or_default().display();
    let mut wrong = Vec::new();
    for wanted in FILES {
        let has = |path: &str| {
            path.split_once('/')
                .is_some_and(|(_, path)| path == *wanted)
        };
        if !list.lines().any(has) {
            wrong.push(format!("{shown} has no {wanted}"));
        }
    }
    let size = fs::metadata(file)?.len();
    if size > MAX_BYTES {
        wrong.push(format!("{shown} has {size} bytes"));
    }
    Ok(wrong)
}

/// A crate that builds here, and not from its package: it reads a file outside.
fn planted() -> Result<()> {
    let manifest = "name = \"outside\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                    license = \"MIT\"\ndescription = \"x\"\n";
    let source = |path: &str| format!("pub const TEXT: &str = include_str!(\"{path}\");\n");
    for (path, builds) in [("../../outside.txt", false), ("inside.txt", true)] {
        let scratch = Scratch::new("outside", manifest, &source(path))?;
        scratch.file("../outside.txt", "x")?;
        scratch.file("src/inside.txt", "x")?;
        run_command(&mut scratch.cargo(&["check", "--quiet", "--offline"]))?;
        let mut package = scratch.cargo(&["package", "--quiet", "--offline", "--allow-dirty"]);
        match (capture(&mut package)?, builds) {
            (Ok(_), true) => lacking()?,
            (Err(complaint), false) if complaint.contains("outside.txt") => {}
            (Ok(_), false) => bail!("the self-test was packed: this check proves nothing"),
            (Err(complaint), _) => bail!("the self-test failed for another reason:\n{complaint}"),
        }
    }
    Ok(())
}

/// The package that was planted has no licence, no README and hardly any metadata.
fn lacking() -> Result<()> {
    let file = target().join("guard/scratch-target/package/outside-0.0.0.crate");
    let files = missing(&file)?;
    ensure!(
        files.len() == FILES.len() - 1,
        "the self-test found {files:?} to be missing: this check proves nothing"
    );
    let metadata = incomplete(&Package::of(serde_json::json!({ "name": "outside" })));
    ensure!(
        metadata.len() == 8,
        "the self-test found {metadata:?} to be missing: this check proves nothing"
    );
    Ok(())
}
