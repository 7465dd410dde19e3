//! No crate names a dependency that it does not use: cargo-machete looks for its
//! name in the sources.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::scratch::Scratch;
use crate::run::root;
use crate::steps::Outcome;
use crate::tools::Tool;

const MACHETE: Tool = Tool {
    name: "cargo-machete",
    version: "0.9.2",
};

pub(crate) fn run() -> Result<Outcome> {
    let machete = match MACHETE.get()? {
        Ok(machete) => machete,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let manifest = "name = \"idle\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                    [dependencies]\nserde = \"1\"\nsha2 = \"0.11\"\n";
    let planted = Scratch::new("unused", manifest, "pub use sha2::Sha256;\n")?;
    match unused(&machete, planted.folder())? {
        Some(found) if found.contains("serde") && !found.contains("sha2") => {}
        found => bail!("the self-test found {found:?}: this check proves nothing"),
    }
    for folder in ["crates", "benches", "xtask", "fuzz"] {
        if let Some(found) = unused(&machete, &root().join(folder))? {
            bail!("{found}");
        }
    }
    Ok(Outcome::Passed)
}

/// What is not used, if anything.
fn unused(machete: &Path, folder: &Path) -> Result<Option<String>> {
    let mut command = Command::new(machete);
    // What is in target/ is ignored by git, and is meant to be looked at.
    command.arg("--no-ignore").arg(folder);
    // With it, it takes itself to be called by cargo, with one more argument.
    let output = command.env_remove("CARGO").output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => Ok(None),
        Some(1) => Ok(Some(said)),
        _ => bail!(
            "cargo-machete failed: {}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}
