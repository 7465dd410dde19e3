//! Tools from the registry, at a version of their own each.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, anyhow};

use crate::run::{capture, cargo, run, target};

/// A program that `cargo install` installs.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

impl Tool {
    /// Where it is, installed if need be; or why it cannot be had.
    pub(crate) fn get(&self) -> Result<Result<PathBuf, String>> {
        let tools = target().join("tools");
        let program = tools.join("bin").join(self.name);
        let program = program.with_extension(std::env::consts::EXE_EXTENSION);
        if self.is(&program) {
            return Ok(Ok(program));
        }
        let package = format!("{}@{}", self.name, self.version);
        let mut install = cargo(&["install", "--quiet", "--locked", "--force", &package]);
        install.arg("--root").arg(&tools);
        // So that what the tools are made of is not among what we are made of.
        install.arg("--target-dir").arg(tools.join("build"));
        match run(&mut install) {
            Ok(()) if self.is(&program) => Ok(Ok(program)),
            Ok(()) => Err(anyhow!(
                "{package} was installed, and is of another version"
            )),
            Err(error) => Ok(Err(format!("{package} could not be installed: {error:#}"))),
        }
    }

    fn is(&self, program: &PathBuf) -> bool {
        // With it, some take themselves to be called by cargo, with one more argument.
        let said = capture(Command::new(program).arg("--version").env_remove("CARGO"));
        matches!(said, Ok(Ok(said)) if said.trim_end().ends_with(self.version))
    }
}
