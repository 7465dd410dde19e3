//! `uid2 token`: single calls to an operator.

mod answer;
mod generate;
mod refresh;
mod validate;

use std::future::Future;
use std::io::Write;

use clap::Subcommand;

use crate::credentials::{CredentialArgs, CredentialError};
use crate::exit::{Exit, USAGE};
use crate::failure::{self, Failure};
use crate::output::print_json;
use answer::Answer;

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
/// and UID2_SECRET_KEY, or from flags; the two secrets from files too. They are
/// never shown.
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
  uid2 token validate --token A4AAAA… --email user@example.com";

pub(crate) fn run(args: Args) -> Exit {
    let answer = match args.command {
        Command::Generate(args) => args.run(),
        Command::Refresh(args) => args.run(),
        Command::Validate(args) => args.run(),
    };
    let answer = answer.unwrap_or_else(Answer::Error);
    print_json(&answer);
    answer.exit()
}

/// Makes a client and a call with it. Credentials that are missing altogether
/// end the process, as clap does for arguments that are.
fn call<F: Future<Output = Result<Answer, uid2_http::Error>>>(
    credentials: CredentialArgs,
    make: impl FnOnce(Client) -> F,
) -> Result<Answer, Failure> {
    let client = match credentials.client() {
        Ok(client) => client,
        Err(CredentialError::Unusable(failure)) => return Err(failure),
        Err(CredentialError::Missing(message)) => usage_error(message),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::local("other", &error))?;
    runtime.block_on(make(client)).map_err(Failure::from)
}

fn usage_error(message: &str) -> ! {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(
        stderr,
        "error: {message}\n\nFor more, try 'uid2 help token'."
    );
    std::process::exit(USAGE)
}
