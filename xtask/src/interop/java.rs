//! The Java SDK, `com.uid2:uid2-client` of Maven Central.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::operators::Operators;
use super::program;
use crate::run::{root, run};

/// What the program said, or why it cannot run here.
pub(super) fn run_program(operators: &Operators) -> Result<Result<String, String>> {
    let target = operators.target().join("java");
    if let Err(why) = build(&target)? {
        return Ok(Err(why));
    }
    let mut said = java(operators, &target, "UTF-8", &[])?;
    // Once more on a platform whose character set is another.
    said += &java(operators, &target, "US-ASCII", &["other-charset"])?;
    Ok(Ok(said))
}

/// Fetches the SDK and builds the program.
pub(crate) fn build(target: &Path) -> Result<Result<(), String>> {
    let lib = target.join("lib");
    // So that only what the pom names is there.
    if lib.exists() {
        fs::remove_dir_all(&lib)?;
    }
    let mut mvn = Command::new("mvn");
    mvn.args(["--quiet", "--batch-mode", "--no-transfer-progress"])
        .arg("--file")
        .arg(root().join("xtask/interop/java/pom.xml"))
        .arg(format!("-Dinterop.target={}", target.display()))
        .arg("process-classes");
    match run(&mut mvn) {
        Ok(()) => Ok(Ok(())),
        // Dependencies come first: with them there, it is our program that fails.
        Err(error) if lib.exists() => bail!(error),
        Err(error) => Ok(Err(format!(
            "com.uid2:uid2-client of Maven Central could not be had: {error:#}"
        ))),
    }
}

/// A Java virtual machine with what was built.
pub(crate) fn machine(target: &Path) -> Command {
    let separator = if cfg!(windows) { ';' } else { ':' };
    let (classes, lib) = (target.join("classes"), target.join("lib"));
    let mut command = Command::new("java");
    command.arg("-classpath").arg(format!(
        "{}{separator}{}/*",
        classes.display(),
        lib.display()
    ));
    command
}

fn java(operators: &Operators, target: &Path, charset: &str, args: &[&str]) -> Result<String> {
    let mut command = machine(target);
    command
        .arg(format!("-Dfile.encoding={charset}"))
        .arg("interop.Main")
        .args(args);
    operators.tell(&mut command);
    program::output(&mut command)
}
