//! `uid2 store`: looking after where a publisher keeps its identities.

mod copy;
mod opened;
mod place;
mod problem;
mod purge;
mod stats;
mod verify;

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::print_json;
use opened::{Opened, Purpose};
use place::{PREFIX, Place, Typed, read_keys};
use problem::Problem;

/// Copy, count, purge and verify stores of identities
///
/// A store is a path of a file, or the URL of a Redis server: redis://host:6379 or,
/// with TLS, rediss://user:password@host:6379. Other users of this machine may see
/// a URL on the command line: with env:NAME, it is read from the variable NAME.
///
/// An encrypted store is opened with the keys it was made with, from a file or a
/// variable: `names` and one or more `key` lines. Passwords and keys are never shown.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = after_help(), arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Copy(copy::Args),
    Stats(stats::Args),
    Purge(purge::Args),
    Verify(verify::Args),
}

fn after_help() -> String {
    format!("{EXAMPLES}\n\n{}", problem::HELP)
}

const EXAMPLES: &str = "\
Examples:
  uid2 store stats identities.db
  uid2 store verify identities.db --json
  uid2 store copy identities.db env:REDIS_URL
  uid2 store copy plain.db sealed.db --to-key-file store.keys
  uid2 store purge env:REDIS_URL --expired-for 30d";

pub(crate) fn run(args: Args, json: bool) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Failure::local("other", &error).tell(json),
    };
    match args.command {
        Command::Copy(args) => tell(json, runtime.block_on(args.run())),
        Command::Stats(args) => tell(json, runtime.block_on(args.run())),
        Command::Purge(args) => tell(json, runtime.block_on(args.run())),
        Command::Verify(args) => tell(json, runtime.block_on(args.run())),
    }
}

/// What a command has found or done.
trait Report: Serialize {
    /// For people: some lines.
    fn text(&self) -> String;

    fn exit(&self) -> Exit {
        Exit::Success
    }
}

fn tell(json: bool, result: Result<impl Report, Problem>) -> Exit {
    match result {
        Ok(report) => {
            if json {
                print_json(&report);
            } else {
                // That nobody reads it is not worth a word.
                let _ = std::io::Write::write_all(&mut std::io::stdout(), report.text().as_bytes());
            }
            report.exit()
        }
        Err(problem) => problem.tell(json),
    }
}

/// One store, for the commands that have no more.
#[derive(clap::Args, Debug)]
struct StoreArgs {
    /// The store: a path, redis://…, rediss://…, or env:NAME
    #[arg(value_name = "STORE")]
    store: Typed,

    /// More than one is too many, and to be refused without being repeated
    #[arg(hide = true)]
    more: Vec<Typed>,

    /// A file with the keys of an encrypted store
    #[arg(long, value_name = "FILE", conflicts_with = "key_env")]
    key_file: Option<PathBuf>,

    /// The variable with the keys of an encrypted store
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,

    /// What the names of the store's keys in Redis begin with
    #[arg(long, value_name = "TEXT", default_value = PREFIX)]
    prefix: String,
}

impl StoreArgs {
    async fn open(&self, purpose: Purpose) -> Result<Opened, Problem> {
        refuse_more(&self.more)?;
        let place = Place::read(&self.store, &self.prefix)?;
        let keys = read_keys(self.key_file.as_deref(), self.key_env.as_deref())?;
        Opened::open(&place, keys, purpose).await
    }
}

fn refuse_more(more: &[Typed]) -> Result<(), Problem> {
    if more.is_empty() {
        return Ok(());
    }
    Err(Problem::usage(
        "there are more arguments than stores to name",
    ))
}
