//! `uid2 hash`: normalization and hashing, exactly as the service does it.

mod csv;
mod jsonl;
mod line;
mod outcome;

use std::io;

use clap::ArgGroup;

use crate::csv::{CsvOptions, HELP as CSV_HELP};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::print_json;
use outcome::Outcome;

#[cfg(feature = "fuzzing")]
pub(crate) use csv::hash as hash_csv;
pub(crate) use csv::{reason_of_email, reason_of_phone};

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
/// or, of a CSV file, one row for each row: email_hash, phone_hash, error.
///
/// The hash is the base64 of the SHA-256 of the normalized value. Nothing is sent
/// anywhere.
#[derive(clap::Args, Debug)]
#[command(
    group = ArgGroup::new("input").required(true),
    verbatim_doc_comment,
    after_help = after_help()
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

    #[command(flatten)]
    csv: CsvOptions,

    /// Write the normalized addresses and numbers before their hashes
    #[arg(long, requires = "csv", help_heading = "CSV files")]
    normalized: bool,
}

fn after_help() -> String {
    format!("{CSV_HELP}\n\n{EXAMPLES}")
}

const EXAMPLES: &str = "\
Examples:
  uid2 hash --email ' Jane.Doe+news@Gmail.com '
  uid2 hash --phone +12025550123
  printf '%s\\n' '{\"email\":\"user@example.com\"}' '{\"phone\":\"+12025550123\"}' | uid2 hash --jsonl
  uid2 hash --jsonl < people.jsonl | jq -r '.hash // empty'
  uid2 hash --csv people.csv > hashes.csv
  uid2 hash --csv people.csv --email-column 'E-mail (work)' --keep-columns -o hashed.csv
  gunzip < people.csv.gz | uid2 hash --csv - --delimiter ';' --json -o hashed.csv

Exit status: 0, or 1 when any input was refused.";

pub(crate) fn run(args: &Args, json: bool) -> Exit {
    if args.csv.csv.is_some() {
        return csv::run(&args.csv, args.normalized, json).unwrap_or_else(|f| f.tell(json));
    }
    if let Err(failure) = args.csv.refuse_alone() {
        return failure.tell(json);
    }
    if let Some(email) = &args.email {
        return single(&Outcome::of_email(email));
    }
    if let Some(phone) = &args.phone {
        return single(&Outcome::of_phone(phone));
    }
    jsonl::run(io::stdin().lock(), io::stdout().lock())
        .unwrap_or_else(|error| Failure::said("io", format!("stopped: {error}")).tell(json))
}

fn single(outcome: &Outcome) -> Exit {
    print_json(outcome);
    if outcome.is_error() {
        Exit::Failure
    } else {
        Exit::Success
    }
}
