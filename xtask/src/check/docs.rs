//! Everything public is documented, as rustdoc counts it (`missing_docs` is on,
//! too); and which files show no example.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

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
    }
    ensure!(wrong.is_empty(), "not all is documented in {wrong:?}");
    Ok(())
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
    let coverage = Coverage::read(&documented.coverage(scratch.cargo(&[]))?)?;
    match (coverage.documented, coverage.total) {
        (2, 3) if coverage.lacking.len() == 1 => Ok(()),
        counted => bail!("the self-test counted {counted:?}: this check proves nothing"),
    }
}
