//! rustdoc with its unstable options, on the stable toolchain.
//!
//! `RUSTC_BOOTSTRAP` lets it, but in cargo's environment it would have build
//! scripts look for unstable features, and everything built anew. So cargo is
//! given this program in rustdoc's place, which sets it for rustdoc alone.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, anyhow};

use crate::run::{capture, cargo, target};

/// Says, to this program, that it is in rustdoc's place, and where that is.
const REAL: &str = "XTASK_RUSTDOC";

/// In rustdoc's place: what came of it. Nothing if this is not what was asked.
pub(crate) fn instead() -> Option<ExitCode> {
    let real = std::env::var_os(REAL)?;
    let status = Command::new(real)
        .args(std::env::args_os().skip(1))
        .env("RUSTC_BOOTSTRAP", "1")
        .stdin(Stdio::null())
        .status();
    let ok = status.is_ok_and(|status| status.success());
    Some(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A crate to be documented, with these features alone.
pub(super) struct Documented<'a> {
    pub(super) name: &'a str,
    pub(super) features: &'a str,
}

impl Documented<'_> {
    /// Where its JSON is, freshly written.
    pub(super) fn json(&self) -> Result<PathBuf> {
        self.run(cargo(&[]), &["--output-format", "json"])?;
        let file = format!("{}.json", self.name.replace('-', "_"));
        Ok(target().join("doc").join(file))
    }

    /// How much of it is documented: a JSON object, a member a file.
    pub(super) fn coverage(&self, within: Command) -> Result<String> {
        self.run(within, &["--show-coverage", "--output-format", "json"])
    }

    /// `within` is a cargo command without arguments, in the crate's workspace.
    fn run(&self, mut within: Command, args: &[&str]) -> Result<String> {
        let rustdoc = std::env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
        let own = std::env::current_exe().context("where is this program?")?;
        within
            .args(["rustdoc", "--quiet", "--lib", "--package", self.name])
            .args(["--no-default-features", "--features", self.features])
            .env("CARGO_TARGET_DIR", target())
            .env("RUSTDOC", own)
            .env(REAL, rustdoc)
            .args(["--", "-Z", "unstable-options"])
            .args(args);
        capture(&mut within)?.map_err(|complaint| anyhow!(complaint))
    }
}
