//! `uid2 token validate`: a check of an integration.

use uid2_core::operation::{Validate, ValidateOutcome};

use super::answer::Answer;
use super::sheet::{self, SheetOptions};
use super::{call, tell};
use crate::credentials::CredentialArgs;
use crate::csv::{CsvOptions, HELP as CSV_HELP};
use crate::dii::OptionalDii;
use crate::exit::Exit;
use crate::failure::Failure;

/// Ask whether advertising tokens were made from these addresses or numbers.
///
/// Writes {"status":"success","valid":true} or …false}; the exit status is 0 either
/// way, for the question was answered. Neither expiry nor opt-out is looked at: it
/// is a check of an integration, not a step of it.
///
/// With --csv, asks for each row of a file, several at a time, and writes a row for
/// each to --output, in the same order: valid, error. Calls that fail for a while
/// are repeated; if that does not help, or the process is killed, --resume goes on
/// after the last row that was written.
#[derive(clap::Args, Debug)]
#[command(after_help = after_help())]
pub(super) struct Args {
    /// The advertising token, as it goes into the bidstream
    #[arg(
        long,
        value_name = "TOKEN",
        required_unless_present = "csv",
        conflicts_with = "csv"
    )]
    token: Option<String>,

    #[command(flatten)]
    dii: OptionalDii,

    #[command(flatten)]
    csv: CsvOptions,

    #[command(flatten)]
    sheet: SheetOptions,

    #[command(flatten)]
    credentials: CredentialArgs,
}

fn after_help() -> String {
    format!("{CSV_HELP}\n\n{EXAMPLES}")
}

const EXAMPLES: &str = "\
Examples:
  uid2 token validate --token A4AAAA… --email user@example.com | jq .valid
  uid2 token validate --csv tokens.csv --output checked.csv
  uid2 token validate --csv tokens.csv --output checked.csv --resume";

impl Args {
    pub(super) fn run(self, json: bool) -> Exit {
        if self.csv.csv.is_some() {
            let ran = sheet::run(&self.csv, &self.sheet, self.credentials, json);
            return ran.unwrap_or_else(|failure| failure.tell(json));
        }
        let answer = self.csv.refuse_alone().and_then(|()| self.single());
        tell(answer, json)
    }

    fn single(self) -> Result<Answer, Failure> {
        let nobody = || Failure::usage("no address, number or hash to compare with");
        let dii = self.dii.read()?.ok_or_else(nobody)?;
        let token = self.token.unwrap_or_default();
        call(self.credentials, async |client| {
            let reply = client.validate(&Validate::new(token.trim(), &dii)).await?;
            Ok(match reply.outcome {
                ValidateOutcome::Match => Answer::Validity(true),
                ValidateOutcome::NoMatch => Answer::Validity(false),
                _ => Answer::unknown(),
            })
        })
    }
}
