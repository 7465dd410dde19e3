//! Everything public is documented, as rustdoc counts it (`missing_docs` is on,
//! too). Which structs and traits show no example is told, and is no fault: not
//! each one is where a reader begins.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::packages;
use super::rustdoc::Documented;
use super::scratch::Scratch;
use crate::run::cargo;
use crate::steps::say;

/// Of one crate.
#[derive(Default)]
struct Coverage {
    total: u64,
    documented: u64,
    examples: u64,
    /// Files in which something is not.
    lacking: Vec<String>,
}

pub(crate) fn run() -> Result<()> {
    planted()?;
    let mut wrong = Vec::new();
    for package in packages::libraries()? {
        let (name, features) = (package.name()?, package.public_features());
        let documented = Documented {
            name,
            features: &features,
        };
        let coverage = Coverage::read(&documented.coverage(cargo(&[]))?)?;
        ensure!(
            coverage.total > 20,
            "{name} has only {} items",
            coverage.total
        );
        say(&format!(
            "{name}: {} of {} items documented, {} with an example",
            coverage.documented, coverage.total, coverage.examples
        ));
        wrong.extend(coverage.lacking);
        let json = fs::read_to_string(documented.json()?)?;
        let without = without_example(&serde_json::from_str(&json)?);
        say(&format!("  without: {}", without.join(", ")));
    }
    ensure!(wrong.is_empty(), "not all is documented in {wrong:?}");
    Ok(())
}

/// The public structs and traits of rustdoc's JSON that show no example.
fn without_example(json: &Value) -> Vec<String> {
    let index = json.get("index").and_then(Value::as_object);
    let items = index.into_iter().flat_map(|index| index.values());
    let mut names: Vec<String> = items
        .filter(|item| {
            let kind = item.get("inner").and_then(Value::as_object);
            let is = |name| kind.is_some_and(|kind| kind.contains_key(name));
            let text = |name| item.get(name).and_then(Value::as_str);
            let ours = item.get("crate_id").and_then(Value::as_u64) == Some(0);
            let public = text("visibility") == Some("public");
            let shown = text("docs").is_some_and(|docs| docs.contains("```"));
            ours && public && (is("struct") || is("trait")) && !shown
        })
        .filter_map(|item| item.get("name")?.as_str().map(str::to_owned))
        .collect();
    names.sort();
    names
}

impl Coverage {
    fn read(json: &str) -> Result<Self> {
        let files: Value = serde_json::from_str(json.trim()).context("rustdoc did not count")?;
        let mut coverage = Self::default();
        for (file, counts) in files.as_object().context("rustdoc did not count")? {
            let count = |name| counts.get(name).and_then(Value::as_u64).context("no count");
            let (total, documented) = (count("total")?, count("with_docs")?);
            coverage.total += total;
            coverage.documented += documented;
            coverage.examples += count("with_examples")?;
            if documented < total {
                coverage.lacking.push(file.clone());
            }
        }
        Ok(coverage)
    }
}

/// One item of three is not documented.
fn planted() -> Result<()> {
    let manifest = "name = \"quiet\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
    let source = "//! A crate.\n\n/// A function.\npub fn told() {}\n\npub fn untold() {}\n";
    let scratch = Scratch::new("quiet", manifest, source)?;
    let documented = Documented {
        name: "quiet",
        features: "",
    };
    let item = |docs| json!({ "crate_id": 0, "visibility": "public", "name": "A", "docs": docs, "inner": { "struct": {} } });
    let told = json!({ "index": { "1": item("With.\n```\nA\n```"), "2": item("Without.") } });
    ensure!(
        without_example(&told) == ["A"],
        "the self-test counts examples wrongly"
    );
    let coverage = Coverage::read(&documented.coverage(scratch.cargo(&[]))?)?;
    match (coverage.documented, coverage.total) {
        (2, 3) if coverage.lacking.len() == 1 => Ok(()),
        counted => bail!("the self-test counted {counted:?}: this check proves nothing"),
    }
}
