//! Which dependencies of `uid2-publisher` have `unsafe` in them: what SECURITY.md
//! says, held against their sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use super::source;
use crate::run::{capture, cargo, root};
use crate::steps::say;

const TARGET: &str = "x86_64-unknown-linux-gnu";
const BEGIN: &str = "<!-- unsafe -->";
const END: &str = "<!-- /unsafe -->";

pub(crate) fn run() -> Result<()> {
    self_test()?;
    let packages = packages()?;
    let mut found = BTreeMap::new();
    let mut others = 0;
    for (name, folder) in &packages {
        let ours = folder.starts_with(root());
        others += usize::from(!ours);
        let count = count(folder)?;
        ensure!(!ours || count == 0, "{name} is ours, and has unsafe");
        if count > 0 {
            found.insert(name.clone(), count);
        }
    }
    say(&format!(
        "{others} dependencies, {} with unsafe",
        found.len()
    ));
    for (name, count) in &found {
        say(&format!("{count:>6}  {name}"));
    }
    compare(&found.into_keys().collect(), others)
}

fn compare(found: &BTreeSet<String>, others: usize) -> Result<()> {
    let page = fs::read_to_string(root().join("SECURITY.md"))?;
    let written = written(&page)?;
    let differ: Vec<_> = written.symmetric_difference(found).collect();
    ensure!(
        differ.is_empty(),
        "SECURITY.md lists other crates with unsafe than there are; these differ: {differ:?}"
    );
    let number = format!("Of the {others} that");
    ensure!(page.contains(&number), "SECURITY.md must say {number:?}");
    Ok(())
}

fn written(page: &str) -> Result<BTreeSet<String>> {
    let list = page
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END));
    let (list, _) = list.context("SECURITY.md has no list of crates with unsafe")?;
    let names = list.split('`').skip(1).step_by(2);
    Ok(names.map(str::to_owned).collect())
}

/// Name and folder of all that the crate is built from, without what only runs
/// while it is built.
fn packages() -> Result<Vec<(String, PathBuf)>> {
    let mut tree = cargo(&["tree", "--locked", "--edges", "normal,no-proc-macro"]);
    tree.args(["--package", "uid2-publisher", "--prefix", "none"]);
    tree.args(["--format", "{p}", "--target", TARGET]);
    let tree = capture(&mut tree)?.map_err(|complaint| anyhow!(complaint))?;
    let wanted: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?.trim_start_matches('v')))
        })
        .collect();

    let mut metadata = cargo(&["metadata", "--locked", "--format-version", "1"]);
    metadata.args(["--filter-platform", TARGET]);
    let metadata = capture(&mut metadata)?.map_err(|complaint| anyhow!(complaint))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let all = metadata.get("packages").and_then(Value::as_array);
    let packages = all.into_iter().flatten().filter_map(|package| {
        let text = |name| package.get(name).and_then(Value::as_str);
        let name = text("name")?;
        let folder = Path::new(text("manifest_path")?).parent()?;
        wanted
            .contains(&(name, text("version")?))
            .then(|| (name.to_owned(), folder.to_owned()))
    });
    let packages: Vec<_> = packages.collect();
    if packages.len() != wanted.len() {
        bail!("cargo tree and cargo metadata do not agree on the packages");
    }
    Ok(packages)
}

/// How often the word stands in the code of a folder, tests left out.
fn count(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for file in source::files(folder)? {
        let within = file.strip_prefix(folder)?;
        let beside = |part: &str| within.components().any(|of| of.as_os_str() == part);
        let runs = ![
            "tests", "benches", "examples", "build.rs", "tests.rs", "fuzz",
        ]
        .into_iter()
        .any(beside);
        if runs {
            count += in_code(&fs::read_to_string(&file)?);
        }
    }
    Ok(count)
}

/// How often the word stands in code: not in comments, texts, or names like
/// `unsafe_code`, and not in a module of tests at a file's end.
fn in_code(text: &str) -> usize {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut in_block = false;
    let code = text.lines().filter(|line| {
        let begins = line.trim_start().starts_with("/*");
        let was_in_block = in_block || begins;
        in_block = was_in_block && !line.contains("*/");
        !was_in_block
    });
    code.map(|line| words(&code_of(line))).sum()
}

/// A line without its comment, and without the texts in it.
fn code_of(line: &str) -> String {
    let line = line.split("//").next().unwrap_or_default();
    line.replace("\\\"", "").split('"').step_by(2).collect()
}

fn words(code: &str) -> usize {
    let of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    let words = code.split(|c| !of_a_word(c));
    words.filter(|word| *word == "unsafe").count()
}

/// A check that sees nothing finds nothing.
fn self_test() -> Result<()> {
    let sample = "/*! is unsafe\n unsafe */\n#![forbid(unsafe_code)]\n// unsafe\nlet text = \"unsafe \\\" unsafe\";\n\
        unsafe { run() } // SAFETY\npub unsafe fn run() {}\n#[cfg(test)]\nmod tests { unsafe {} }";
    ensure!(
        in_code(sample) == 2,
        "the self-test counts {}",
        in_code(sample)
    );
    ensure!(written("`a`").is_err() && written(&format!("{BEGIN}`a`, `b`{END}"))?.len() == 2);
    Ok(())
}
