//! `uid2 token generate`: steps 1-d and 1-e of the publisher guide.

use uid2_core::operation::{Generate, GenerateOutcome};

use super::answer::Answer;
use super::call;
use crate::credentials::CredentialArgs;
use crate::dii::DiiArgs;
use crate::failure::Failure;

/// Ask for an identity: an advertising token and the means to refresh it.
///
/// What is sent is the hash of the normalized address or number, sealed with the
/// client secret. If the person has opted out ("status":"optout", exit status 3),
/// remember it, and do not ask again.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    dii: DiiArgs,

    /// The user's TCF consent string, which EUID asks for
    #[arg(long, value_name = "STRING")]
    tcf_consent_string: Option<String>,

    #[command(flatten)]
    credentials: CredentialArgs,
}

const AFTER_HELP: &str = "\
Examples:
  uid2 token generate --email user@example.com
  uid2 token generate --phone +12025550123 --api-key-file key.txt --secret-key-file secret.txt
  uid2 token generate --email optout@example.com     # always opted out, for tests";

impl Args {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let dii = self.dii.read()?;
        let tcf = self.tcf_consent_string;
        call(self.credentials, async |client| {
            let mut generate = Generate::new(&dii);
            if let Some(tcf) = &tcf {
                generate = generate.with_tcf_consent_string(tcf);
            }
            let reply = client.generate(&generate).await?;
            Ok(match reply.outcome {
                GenerateOutcome::Success(identity) => Answer::Identity(identity),
                GenerateOutcome::OptOut => Answer::OptOut,
                GenerateOutcome::InsufficientConsent => Answer::NoConsent,
                _ => Answer::unknown(),
            })
        })
    }
}
