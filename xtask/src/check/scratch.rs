//! Crates made up for a self-test: a fault is planted in one, and the tool that
//! should find it is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{cargo, target};

/// A crate of one file, in the target folder.
pub(super) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// Makes it anew. `manifest` is what follows `[package]`, its name included.
    pub(super) fn new(name: &str, manifest: &str, source: &str) -> Result<Self> {
        let folder = target().join("guard/scratch").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).context("cannot remove the old scratch crate")?;
        }
        let scratch = Self { folder };
        // A workspace of its own, for the target folder is within ours.
        let manifest = format!("[workspace]\n\n[package]\n{manifest}");
        scratch.file("Cargo.toml", &manifest)?;
        scratch.file("src/lib.rs", source)?;
        Ok(scratch)
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// One more file in it.
    pub(super) fn file(&self, path: &str, text: &str) -> Result<()> {
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// A cargo command in it.
    pub(super) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = cargo(args);
        command
            .current_dir(&self.folder)
            // Clippy looks here, rather than where cargo is started.
            .env("CARGO_TARGET_DIR", target().join("guard/scratch-target"))
            .env_remove("CLIPPY_CONF_DIR");
        command
    }
}
