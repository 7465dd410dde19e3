//! `uid2 token`: single calls to an operator.

mod answer;
mod generate;
mod refresh;
mod sheet;
mod validate;

use std::future::Future;

use clap::Subcommand;

use crate::credentials::CredentialArgs;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::output::print_json;
use answer::Answer;

pub(crate) use refresh::parse as parse_identity;

type Client = uid2_http::Client<uid2_http::HyperTransport>;

/// Generate, refresh and validate tokens: single calls to an operator
///
/// Each writes one JSON object to stdout:
///
///   {"status":"success", …}                                        exit status 0
///   {"status":"optout"}                                            exit status 3
///   {"status":"insufficient_user_consent"}       (EUID only)       exit status 4
///   {"status":"error","kind":…,"message":…,"http_status":…|null}   exit status 1
///
/// Where the operator is and the credentials come from UID2_BASE_URL, UID2_API_KEY
/// and UID2_SECRET_KEY, or the two secrets from files. They are never shown.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = after_help(), arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Generate(generate::Args),
    Refresh(refresh::Args),
    Validate(validate::Args),
}

fn after_help() -> String {
    format!("{EXAMPLES}\n\n{}", failure::HELP)
}

const EXAMPLES: &str = "\
Examples:
  export UID2_BASE_URL=http://127.0.0.1:8080   # uid2 emulator
  export UID2_API_KEY=… UID2_SECRET_KEY=…
  uid2 token generate --email user@example.com > identity.json
  uid2 token refresh --identity identity.json
  uid2 token validate --token A4AAAA… --email user@example.com
  uid2 token validate --csv tokens.csv --output checked.csv";

pub(crate) fn run(args: Args, json: bool) -> Exit {
    let answer = match args.command {
        Command::Generate(args) => args.run(),
        Command::Refresh(args) => args.run(),
        Command::Validate(args) => return args.run(json),
    };
    tell(answer, json)
}

/// Tells a wrong command line as clap does, and everything else as JSON.
fn tell(answer: Result<Answer, Failure>, json: bool) -> Exit {
    let answer = match answer {
        Err(failure) if failure.exit() == Exit::Usage => return failure.tell(json),
        answer => answer.unwrap_or_else(Answer::Error),
    };
    print_json(&answer);
    answer.exit()
}

/// Makes a client and a call with it.
fn call<F: Future<Output = Result<Answer, uid2_http::Error>>>(
    credentials: CredentialArgs,
    make: impl FnOnce(Client) -> F,
) -> Result<Answer, Failure> {
    let client = credentials.client()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::local("other", &error))?;
    runtime.block_on(make(client)).map_err(Failure::from)
}
