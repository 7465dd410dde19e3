//! `cargo xtask compare`: the same work by the official Python SDK, the official
//! Java SDK and ours, side by side in one run, as rates and ratios.
//!
//! Each is a program of its own that does what it is told, a line of JSON at a
//! time; they take turns, row by row. Nothing is measured before all have come to
//! the same result for the same input; where they do not, that is told instead.

mod checks;
mod machine;
mod rows;
mod table;
mod worker;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::built;
use crate::interop::operators::Operator;
use crate::interop::{java, python};
use crate::run::{has, root, target};
use crate::steps::say;
use table::Table;
use worker::{Program, Worker};

/// How the program that does the work by these crates is built.
const OURS: &[&str] = &[
    "build",
    "--release",
    "--locked",
    "--package",
    "uid2-benches",
    "--example",
    "compare",
];

/// How long to measure.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// For how long each SDK does each work, in seconds, after as long to warm up.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How often; the best counts, which what else the machine does cannot raise.
    #[arg(long, default_value_t = 2)]
    rounds: u32,
}

pub(crate) fn all(args: &Args) -> Result<bool> {
    ensure!(
        args.seconds > 0.0 && args.rounds > 0,
        "nothing is measured in no time"
    );
    let ours = built::program_of(OURS, "compare")?;
    let operator = Operator::started(Command::new(&ours).arg("operator"))?;
    let (programs, missing) = programs(ours, &operator)?;
    ensure!(
        programs.len() > 1,
        "there is nothing to compare with: {missing:?}"
    );
    let mut table = Table::new(machine::describe()?, missing);
    let mut workers = Vec::new();
    for program in programs {
        table.cold_start(&program.name, rows::cold_start(&program)?);
        workers.push(Worker::start(program)?);
    }
    let agreed = checks::all(&mut workers, &mut table)?;
    rows::measure(&mut workers, &agreed, args, &mut table)?;
    for worker in &mut workers {
        let peak = worker.peak_memory()?;
        table.memory(worker.name(), peak);
    }
    let text = table.to_markdown(&machine::load());
    let file = target().join("compare/compare.md");
    fs::create_dir_all(target().join("compare"))?;
    fs::write(&file, &text).context("cannot write the table")?;
    say(&text);
    say(&format!("written to {}", file.display()));
    Ok(true)
}

/// The programs that can be had, ours last; and why others cannot.
fn programs(ours: PathBuf, operator: &Operator) -> Result<(Vec<Program>, Vec<String>)> {
    let (mut programs, mut missing) = (Vec::new(), Vec::new());
    for found in [python_program()?, java_program()?] {
        match found {
            Ok(program) => programs.push(program),
            Err(why) => missing.push(why),
        }
    }
    programs.push(Program {
        name: "uid2-rs".into(),
        version: format!(
            "uid2-rs {}, {}",
            env!("CARGO_PKG_VERSION"),
            machine::version("rustc")
        ),
        command: Box::new(move || Command::new(&ours)),
    });
    for program in &mut programs {
        program.told_by(operator);
    }
    Ok((programs, missing))
}

fn python_program() -> Result<Result<Program, String>> {
    if !has("python3") {
        return Ok(Err("python3 is not installed".into()));
    }
    let programs = root().join("xtask/interop/python");
    let python = match python::install(&programs, &target().join("interop/python")) {
        Ok(python) => python,
        Err(error) => return Ok(Err(format!("uid2-client of PyPI: {error:#}"))),
    };
    let sdk = sdk_version(&programs.join("requirements.txt"), "uid2-client==", "\n")?;
    Ok(Ok(Program {
        name: "Python".into(),
        version: format!("uid2-client {sdk}, {}", machine::version("python3")),
        command: Box::new(move || {
            let mut command = Command::new(&python);
            command.arg(programs.join("compare.py"));
            command.env("PYTHONUTF8", "1");
            command
        }),
    }))
}

fn java_program() -> Result<Result<Program, String>> {
    if let Some(tool) = ["java", "mvn"].iter().find(|tool| !has(tool)) {
        return Ok(Err(format!("{tool} is not installed")));
    }
    let target = target().join("interop/java");
    if let Err(why) = java::build(&target)? {
        return Ok(Err(why));
    }
    let pom = root().join("xtask/interop/java/pom.xml");
    let sdk = sdk_version(
        &pom,
        "<artifactId>uid2-client</artifactId>\n            <version>",
        "<",
    )?;
    Ok(Ok(Program {
        name: "Java".into(),
        version: format!("uid2-client {sdk}, {}", machine::version("java")),
        command: Box::new(move || {
            let mut command = java::machine(&target);
            command.arg("compare.Main");
            command
        }),
    }))
}

/// The version that stands between two texts of a file.
fn sdk_version(file: &PathBuf, before: &str, after: &str) -> Result<String> {
    let text = fs::read_to_string(file)?;
    let version = text
        .split(before)
        .nth(1)
        .and_then(|it| it.split(after).next());
    let version = version.with_context(|| format!("no version in {}", file.display()))?;
    Ok(version.trim().to_owned())
}
