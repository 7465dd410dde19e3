//! `cargo xtask interop`: official SDKs, unmodified from their registries, as
//! clients of the emulator; and their tokens, read by `uid2-token`.
//!
//! The programs in `xtask/interop` say what came of each row, as lines of JSON.
//! Here is what must come of it ([`rows`]), and everything else has failed: an
//! SDK that does other than listed, better or worse, and a row that is missing.

#[cfg(test)]
mod documented;
pub(crate) mod java;
pub(crate) mod operators;
mod program;
pub(crate) mod python;
mod report;
mod rows;
mod table;
mod tokens;

use anyhow::{Result, bail};

use crate::run::has;
use crate::steps::{Outcome, say};
use operators::Operators;
use report::Report;
pub(crate) use rows::Sdk;

/// Which SDKs to try.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these; all unless given.
    #[arg(value_enum)]
    sdks: Vec<Sdk>,
}

/// What came of an SDK.
enum Tried {
    Ran(Report),
    Unavailable(String),
}

pub(crate) fn all(args: &Args) -> Result<bool> {
    let wanted = |sdk: &Sdk| args.sdks.is_empty() || args.sdks.contains(sdk);
    let mut reports = Vec::new();
    let mut complete = true;
    for sdk in Sdk::ALL.into_iter().filter(wanted) {
        match try_out(sdk)? {
            Tried::Ran(report) => reports.push(report),
            Tried::Unavailable(why) => {
                say(&format!("{sdk:?} is left out: {why}"));
                complete = false;
            }
        }
    }
    Ok(table::show(&reports) && complete && !reports.is_empty())
}

/// A step of `cargo xtask test`.
pub(crate) fn step(sdk: Sdk) -> Result<Outcome> {
    match try_out(sdk)? {
        Tried::Unavailable(why) => Ok(Outcome::Skipped(why)),
        Tried::Ran(report) if table::show(std::slice::from_ref(&report)) => Ok(Outcome::Passed),
        Tried::Ran(_) => bail!("the SDK does other than is known of it: see the table"),
    }
}

fn try_out(sdk: Sdk) -> Result<Tried> {
    if let Some(tool) = sdk.tools().iter().find(|tool| !has(tool)) {
        return Ok(Tried::Unavailable(format!("{tool} is not installed")));
    }
    say(&format!("{sdk:?}: starting operators"));
    let operators = Operators::start()?;
    let lines = match sdk {
        Sdk::Python => python::run_program(&operators)?,
        Sdk::Java => java::run_program(&operators)?,
    };
    match lines {
        Err(why) => Ok(Tried::Unavailable(why)),
        Ok(lines) => {
            let mut report = Report::parse(sdk, &lines)?;
            tokens::read(&mut report, &operators)?;
            Ok(Tried::Ran(report))
        }
    }
}
