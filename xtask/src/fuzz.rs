//! `cargo xtask fuzz`: the targets of `fuzz/`, each for a while, on the stable
//! toolchain. Their committed corpus is replayed by the crates' own tests.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::run::{cargo, root, run, target};
use crate::steps::say;

/// The longest input: more than any token or identity has.
const MAX_LEN: u32 = 4096;

/// What to fuzz and for how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// For how long to run each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Only these targets (as the files of `fuzz/targets`); all unless given.
    targets: Vec<String>,
}

/// Runs the targets one after the other, all of them, and prints what each did.
pub(crate) fn fuzz(args: &Args) -> Result<bool> {
    let known = targets()?;
    if let Some(unknown) = args.targets.iter().find(|it| !known.contains(it)) {
        bail!("no target {unknown}: there are {}", known.join(", "));
    }
    let chosen = if args.targets.is_empty() {
        &known
    } else {
        &args.targets
    };
    build()?;
    let mut table = Vec::new();
    for target in chosen {
        say(&format!("\n=== {target}"));
        table.push((target, one(target, args.seconds)?));
    }
    say("\n=== summary");
    for (target, executions) in &table {
        match executions {
            Some(executions) => say(&format!("{target:<18} ok      {executions} executions")),
            None => say(&format!("{target:<18} FAILED  see above")),
        }
    }
    Ok(table.iter().all(|(_, executions)| executions.is_some()))
}

/// The targets are the files of their folder.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/targets");
    let mut names = Vec::new();
    for file in std::fs::read_dir(&folder).context("cannot list fuzz/targets")? {
        let path = file?.path();
        let name = path.file_stem().context("a target without a name")?;
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    ensure!(!names.is_empty(), "there are no targets in fuzz/targets");
    Ok(names)
}

/// The targets compile, which nothing else sees to: they are no members of the
/// workspace. Without instrumentation, so without cargo-fuzz.
pub(crate) fn builds() -> Result<()> {
    let args = ["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"];
    let target = target().join("guard/fuzz");
    run(cargo(&args).env("CARGO_TARGET_DIR", target))
}

/// cargo-fuzz without a sanitizer: those need a nightly toolchain, and there is
/// no unsafe code of ours for them to look at. Overflow checks and debug
/// assertions are on.
fn cargo_fuzz(command: &str) -> Command {
    let args = ["fuzz", command, "--sanitizer", "none", "--fuzz-dir", "fuzz"];
    cargo(&args)
}

fn build() -> Result<()> {
    run(&mut cargo_fuzz("build"))
        .context("is cargo-fuzz there? `cargo install cargo-fuzz --locked`")
}

/// How many inputs were tried, or nothing if one failed.
fn one(target: &str, seconds: u32) -> Result<Option<u64>> {
    // What is found goes here, so that the committed corpus stays small; and it
    // is there for the next run to go on from.
    let found = format!("fuzz/target/corpus/{target}");
    let found = Path::new(&found);
    std::fs::create_dir_all(root().join(found)).context("cannot make the folder of the corpus")?;
    let output = cargo_fuzz("run")
        .arg(target)
        .arg(root().join(found))
        .arg(root().join("fuzz/corpus").join(target))
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MAX_LEN}"))
        .args(["-timeout=10", "-print_final_stats=1"])
        .stdin(Stdio::null())
        .output()
        .context("cannot start cargo fuzz")?;
    let log = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = log.lines().collect();
    let panicked = lines.iter().position(|line| line.contains("panicked at"));
    let shown = if output.status.success() { 8 } else { 60 };
    let last = lines.len().saturating_sub(shown);
    for line in lines.iter().skip(panicked.unwrap_or(last).min(last)) {
        say(line);
    }
    if output.status.success() {
        let executions = executions(&log).context("the target did not say what it did")?;
        ensure!(executions > 0, "the target tried nothing");
        return Ok(Some(executions));
    }
    Ok(None)
}

fn executions(log: &str) -> Option<u64> {
    log.lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .and_then(|number| number.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    /// What stands between each `before` and the next quotation mark.
    fn quoted(text: &str, before: &str) -> BTreeSet<String> {
        let rest = text.split(before).skip(1);
        rest.filter_map(|rest| rest.split('"').next())
            .map(str::to_owned)
            .collect()
    }

    /// A target is built, has a corpus, and that is replayed by a stable test.
    #[test]
    fn every_target_is_known_everywhere() {
        let targets: BTreeSet<_> = targets().unwrap().into_iter().collect();
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        let (_, bins) = manifest.split_once("[[bin]]").unwrap();
        assert_eq!(quoted(bins, "name = \""), targets);

        let corpus = fs::read_dir(root().join("fuzz/corpus")).unwrap();
        let corpus = corpus.map(|folder| folder.unwrap().file_name().into_string().unwrap());
        assert_eq!(corpus.collect::<BTreeSet<_>>(), targets);

        let mut replayed = BTreeSet::new();
        for krate in fs::read_dir(root().join("crates")).unwrap() {
            let tests = krate.unwrap().path().join("tests/fuzz_corpus.rs");
            if let Ok(text) = fs::read_to_string(tests) {
                replayed.extend(quoted(&text, "replay(\""));
            }
        }
        assert_eq!(replayed, targets);
    }
}
