//! `uid2 hash`: normalization and hashing, exactly as the service does it.

mod jsonl;
mod line;
mod outcome;

use std::io;

use clap::ArgGroup;

use crate::exit::Exit;
use crate::output::{complain, print_json};
use outcome::Outcome;

/// Normalize and hash e-mail addresses and phone numbers
///
/// Does it exactly as the service does, which is not what one would guess: all
/// spaces of an e-mail address's local part go, for gmail.com its dots and what
/// follows a '+' too; phone numbers must be in E.164 and are never repaired.
///
/// Writes one line of JSON for each input, in the same order:
///
///   {"normalized": …, "hash": …, "error": null}   or
///   {"normalized": null, "hash": null, "error": …}
///
/// The hash is the base64 of the SHA-256 of the normalized value. Nothing is sent
/// anywhere.
#[derive(clap::Args, Debug)]
#[command(
    group = ArgGroup::new("input").required(true),
    verbatim_doc_comment,
    after_help = AFTER_HELP
)]
pub(crate) struct Args {
    /// An e-mail address
    #[arg(long, value_name = "ADDRESS", group = "input")]
    email: Option<String>,

    /// A phone number in E.164: '+', country code, 10 to 15 digits in all
    #[arg(long, value_name = "NUMBER", group = "input")]
    phone: Option<String>,

    /// Read {"email": …} or {"phone": …} from each line of stdin
    ///
    /// Members that are null count as absent, other members are ignored. A line
    /// that is not such an object, or longer than 64 KiB, yields an error object,
    /// and the rest goes on. Takes the same little memory however long the input.
    #[arg(long, group = "input")]
    jsonl: bool,
}

const AFTER_HELP: &str = "\
Examples:
  uid2 hash --email ' Jane.Doe+news@Gmail.com '
  uid2 hash --phone +12025550123
  printf '%s\\n' '{\"email\":\"user@example.com\"}' '{\"phone\":\"+12025550123\"}' | uid2 hash --jsonl
  uid2 hash --jsonl < people.jsonl | jq -r '.hash // empty'

Exit status: 0, or 1 when any input was refused.";

pub(crate) fn run(args: &Args) -> Exit {
    if let Some(email) = &args.email {
        return single(&Outcome::of_email(email));
    }
    if let Some(phone) = &args.phone {
        return single(&Outcome::of_phone(phone));
    }
    match jsonl::run(io::stdin().lock(), io::stdout().lock()) {
        Ok(exit) => exit,
        Err(error) => {
            complain(&error);
            Exit::Failure
        }
    }
}

fn single(outcome: &Outcome) -> Exit {
    print_json(outcome);
    if outcome.is_error() {
        Exit::Failure
    } else {
        Exit::Success
    }
}
