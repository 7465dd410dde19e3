//! The packages of the workspace, as cargo tells of them.

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::run::{capture, cargo};

/// Features that are nobody's but the project's own.
const PRIVATE: &[&str] = &["default", "fuzzing"];

/// A package of the workspace.
pub(super) struct Package(Value);

/// All of the workspace.
pub(super) fn all() -> Result<Vec<Package>> {
    let mut command = cargo(&["metadata", "--locked", "--no-deps"]);
    command.args(["--format-version", "1"]);
    let metadata = capture(&mut command)?.map_err(|complaint| anyhow!(complaint))?;
    let mut metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata.get_mut("packages").map(Value::take);
    match packages {
        Some(Value::Array(packages)) => Ok(packages.into_iter().map(Package).collect()),
        _ => Err(anyhow!("cargo metadata lists no packages")),
    }
}

/// Whose libraries are the inside of a program: nobody else is to depend on them.
const PROGRAMS: &[&str] = &["uid2-cli", "uid2-site"];

/// Libraries that others are meant to depend on.
pub(super) fn libraries() -> Result<Vec<Package>> {
    let mut packages = all()?;
    packages.retain(|package| {
        let program = PROGRAMS.contains(&package.text("name"));
        package.is_published() && package.has("lib") && !program
    });
    anyhow::ensure!(packages.len() > 4, "cargo metadata lists too few libraries");
    Ok(packages)
}

impl Package {
    /// One as cargo would tell of it.
    pub(super) const fn of(metadata: Value) -> Self {
        Self(metadata)
    }

    pub(super) fn name(&self) -> Result<&str> {
        let name = self.0.get("name").and_then(Value::as_str);
        name.context("a package without a name")
    }

    /// A member that is a text; empty if it is not there.
    pub(super) fn text(&self, field: &str) -> &str {
        let text = self.0.get(field).and_then(Value::as_str);
        text.unwrap_or_default()
    }

    pub(super) fn value(&self) -> &Value {
        &self.0
    }

    /// Whether it is to be published.
    pub(super) fn is_published(&self) -> bool {
        self.0.get("publish").is_none_or(Value::is_null)
    }

    /// Whether it has a target of a kind.
    fn has(&self, kind: &str) -> bool {
        let targets = self.0.get("targets").and_then(Value::as_array);
        let kinds = targets.into_iter().flatten();
        kinds
            .filter_map(|target| target.get("kind")?.as_array())
            .any(|kinds| kinds.iter().any(|it| it == kind))
    }

    /// Its features, those aside that only stand for others.
    pub(super) fn features(&self) -> Vec<String> {
        let features = self.0.get("features").and_then(Value::as_object);
        let names = features.into_iter().flat_map(|features| features.keys());
        names.filter(|name| *name != "default").cloned().collect()
    }

    /// Those that users may ask for.
    pub(super) fn public_features(&self) -> String {
        let mut features = self.features();
        features.retain(|name| !PRIVATE.contains(&name.as_str()));
        features.join(",")
    }
}
