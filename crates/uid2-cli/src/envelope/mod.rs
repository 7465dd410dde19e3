//! `uid2 envelope`: what travels between a client and the operator, by hand.

mod bytes;
mod explain;
mod open;
mod seal;

use std::io::{self, Read};

use clap::Subcommand;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::failure::Failure;

/// Seal and open envelopes, to debug an integration written by hand
///
/// Needs no network. The client secret comes from UID2_SECRET_KEY or a file, and is
/// never shown. The formats are those of the service:
///
///   request    base64(0x01 iv[12] AES-256-GCM(timestamp[8] nonce[8] JSON) tag[16])
///   response   base64(iv[12] AES-256-GCM(timestamp[8] nonce[8] JSON) tag[16])
///   refresh    base64(iv[12] AES-256-GCM(JSON) tag[16]), under the response key
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Seal(seal::Args),
    Open(open::Args),
}

const EXAMPLES: &str = "\
Examples:
  echo '{\"email\":\"user@example.com\"}' | uid2 envelope seal > request.txt 2> nonce.txt
  curl -H \"Authorization: Bearer $UID2_API_KEY\" -H 'Content-Type: text/plain' \\
    --data @request.txt \"$UID2_BASE_URL/v2/token/generate\" > response.txt
  uid2 envelope open --nonce \"$(cut -d' ' -f2 nonce.txt)\" < response.txt
  uid2 envelope open --request < request.txt";

/// As much as the operator takes (protocol, section 2), and room for base64.
const MAX_INPUT: u64 = 2 << 20;

pub(crate) fn run(args: &Args, json: bool) -> Exit {
    let result = match &args.command {
        Command::Seal(args) => args.run(json),
        Command::Open(args) => args.run(json),
    };
    match result {
        Ok(()) => Exit::Success,
        Err(failure) => failure.tell(json),
    }
}

/// What has secrets or personal data in it is wiped.
fn read_stdin() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut input = Zeroizing::new(Vec::new());
    let read = io::stdin()
        .lock()
        .take(MAX_INPUT + 1)
        .read_to_end(&mut input);
    match read {
        Ok(length) if length as u64 > MAX_INPUT => Err(Failure::said(
            "too_large",
            "stdin has more than 2 MiB, and the service takes 1 MiB at most",
        )),
        Ok(_) => Ok(input),
        Err(error) => {
            let message = format!("cannot read stdin: {error}");
            Err(Failure::said("unreadable_file", message))
        }
    }
}
