//! `uid2 inspect`: what a token, a key or an identity is.

mod identity;
mod inside;
mod keys;
mod kinds;
mod report;

use std::io::{self, Read};
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::credentials::Hidden;
use crate::exit::Exit;
use crate::failure::Failure;
use keys::Keys;
use report::Report;

/// Tell what a token is: from its outside, or with keys from its inside
///
/// Knows advertising tokens, refresh tokens, raw UID2s, identities in JSON, API keys
/// and the other keys of the service. Needs no network, and never repeats what is
/// secret: of a key it tells whose it is, of a raw UID2 its form.
///
/// That a token has an outside does not make it genuine. With --keys it is opened,
/// which shows that it was made with them.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The token; '-' reads it from stdin, which keeps it out of the shell's history
    #[arg(value_name = "TOKEN|-")]
    token: Hidden,

    /// Open it with the keys in this file: the JSON that /v2/key/bidstream or
    /// /v2/key/sharing answers, or the line of `uid2 emulator --json`, whose
    /// operator is then asked for its keys
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Show the raw UID2 inside of an advertising token: it stands for a person
    #[arg(long, requires = "keys")]
    show_raw_uid: bool,
}

const AFTER_HELP: &str = "\
Examples:
  uid2 inspect A4AAAABl…
  uid2 token generate --email user@example.com | uid2 inspect -
  uid2 emulator --json > emulator.json &
  uid2 inspect --keys emulator.json - < token.txt

Exit status: 0, or 1 when it is nothing that is known, or does not open with the keys.";

/// No token has so many bytes; an input that does is something else.
const MAX_INPUT: u64 = 1 << 20;

pub(crate) fn run(args: &Args, json: bool) -> Exit {
    match inspect(args) {
        Ok(report) => {
            report.tell(json);
            Exit::Success
        }
        Err(failure) => failure.tell(json),
    }
}

fn inspect(args: &Args) -> Result<Report, Failure> {
    let text = match args.token.expose() {
        "-" => read_stdin()?,
        token => Zeroizing::new(token.to_owned()),
    };
    let keys = args.keys.as_deref().map(Keys::read).transpose()?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::said(
            "not_recognized",
            "there is nothing to inspect",
        ));
    }
    let mut report = match text.starts_with('{') {
        true => identity::report(text, keys.as_ref(), args.show_raw_uid)?,
        false => kinds::report(text, keys.as_ref(), args.show_raw_uid)?,
    };
    if report.is_secret && args.token.expose() != "-" {
        report.note(
            "secrets do not belong on a command line, where the shell's history and other users of \
             this machine see them: if it is one, replace it, and use `uid2 inspect -`",
        );
    }
    Ok(report)
}

fn read_stdin() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = io::stdin()
        .lock()
        .take(MAX_INPUT + 1)
        .read_to_string(&mut text);
    match read {
        Ok(length) if length as u64 > MAX_INPUT => Err(Failure::said(
            "not_recognized",
            "the input is too large to be a token",
        )),
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::said(
            "unreadable_file",
            format!("cannot read stdin: {error}"),
        )),
    }
}
