//! `uid2 token validate`: a check of an integration.

use uid2_core::operation::{Validate, ValidateOutcome};

use super::answer::Answer;
use super::call;
use crate::credentials::CredentialArgs;
use crate::dii::DiiArgs;
use crate::failure::Failure;

/// Ask whether an advertising token was made from this address or number.
///
/// Writes {"status":"success","valid":true} or …false}; the exit status is 0 either
/// way, for the question was answered. Neither expiry nor opt-out is looked at: it
/// is a check of an integration, not a step of it.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// The advertising token, as it goes into the bidstream
    #[arg(long, value_name = "TOKEN")]
    token: String,

    #[command(flatten)]
    dii: DiiArgs,

    #[command(flatten)]
    credentials: CredentialArgs,
}

const AFTER_HELP: &str = "\
Examples:
  uid2 token validate --token A4AAAA… --email user@example.com | jq .valid";

impl Args {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let dii = self.dii.read()?;
        let token = self.token;
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
