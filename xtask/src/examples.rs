//! `cargo xtask examples`: runs the examples that end by themselves. Each fails
//! if something is not as it says, so that what newcomers copy does work.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::built;
use crate::run::root;
use crate::steps::say;

/// Crate and name of those that are run.
const RUN: &[(&str, &str)] = &[
    ("uid2-emulator", "core_with_ureq"),
    ("uid2-http", "custom_transport"),
    ("uid2-publisher", "axum"),
    ("uid2-publisher", "without_tokio"),
    ("uid2-store", "custom_store"),
];

/// Those that are tools: they want arguments, read what is piped into them, or
/// take minutes. They are compiled all the same.
const TOOLS: &[(&str, &str)] = &[
    ("uid2-emulator", "read_tokens"),
    ("uid2-emulator", "soak"),
    ("uid2-store", "write_fixtures"),
];

/// None takes longer on a slow machine, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn run() -> Result<()> {
    all_are_listed()?;
    let built = built::programs()?;
    for (krate, name) in RUN {
        let (_, program) = built
            .iter()
            .find(|(example, _)| example == name)
            .with_context(|| format!("cargo did not build the example {name} of {krate}"))?;
        say(&format!("--- {krate}, {name}"));
        end_well(Command::new(program), PATIENCE).with_context(|| format!("{krate}, {name}"))?;
    }
    // A step that cannot fail would show nothing.
    let hangs = || {
        let mut command = Command::new("sleep");
        command.arg("60");
        end_well(command, Duration::from_millis(200))
    };
    ensure!(
        hangs().is_err() && end_well(Command::new("false"), PATIENCE).is_err(),
        "the self-test passed: this step proves nothing"
    );
    Ok(())
}

/// A new example is either run, or is known to be a tool.
fn all_are_listed() -> Result<()> {
    let listed = RUN.iter().chain(TOOLS);
    let listed: BTreeSet<_> = listed
        .map(|(krate, name)| root().join(format!("crates/{krate}/examples/{name}.rs")))
        .collect();
    let mut found = BTreeSet::new();
    for krate in fs::read_dir(root().join("crates"))? {
        let Ok(examples) = fs::read_dir(krate?.path().join("examples")) else {
            continue;
        };
        for example in examples {
            found.insert(example?.path());
        }
    }
    let differ: Vec<&PathBuf> = found.symmetric_difference(&listed).collect();
    if differ.is_empty() {
        Ok(())
    } else {
        bail!("not the examples that xtask/src/examples.rs lists: {differ:?}")
    }
}

fn end_well(mut command: Command, patience: Duration) -> Result<()> {
    let mut program = command.stdin(Stdio::null()).spawn()?;
    let begun = Instant::now();
    loop {
        match program.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("{status}"),
            None if begun.elapsed() > patience => {
                program.kill()?;
                program.wait()?;
                bail!("did not end within {patience:?}");
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    /// Noticed at once, and not only after everything was built.
    #[test]
    fn all_are_listed() {
        super::all_are_listed().unwrap();
    }
}
