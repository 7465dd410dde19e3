//! DII on the command line: one of four.

use clap::ArgGroup;
use uid2_core::Dii;

use crate::failure::Failure;

/// Whom it is about.
#[derive(clap::Args, Debug)]
pub(crate) struct DiiArgs {
    #[command(flatten)]
    given: OptionalDii,
}

/// The same, where something else of the group `dii` may take its place.
#[derive(clap::Args, Debug)]
#[command(group = ArgGroup::new("dii").required(true))]
pub(crate) struct OptionalDii {
    /// An e-mail address; it is normalized and hashed before it is sent
    #[arg(long, value_name = "ADDRESS", group = "dii")]
    email: Option<String>,

    /// A phone number in E.164, e.g. +12025550123; it is hashed before it is sent
    #[arg(long, value_name = "NUMBER", group = "dii")]
    phone: Option<String>,

    /// The hash of a normalized e-mail address: base64 or hex of its SHA-256
    #[arg(long, value_name = "HASH", group = "dii")]
    email_hash: Option<String>,

    /// The hash of a phone number in E.164: base64 or hex of its SHA-256
    #[arg(long, value_name = "HASH", group = "dii")]
    phone_hash: Option<String>,
}

impl DiiArgs {
    /// The DII, which clap has made sure is one of the four.
    pub(crate) fn read(&self) -> Result<Dii, Failure> {
        self.given
            .read()?
            .ok_or_else(|| Failure::usage("no address, number or hash is given"))
    }
}

impl OptionalDii {
    /// The one of the four that is given, if any.
    pub(crate) fn read(&self) -> Result<Option<Dii>, Failure> {
        let dii = if let Some(email) = &self.email {
            Dii::email(email).map_err(|error| Failure::local("invalid_email", &error))
        } else if let Some(phone) = &self.phone {
            Dii::phone(phone).map_err(|error| Failure::local("invalid_phone", &error))
        } else if let Some(hash) = &self.email_hash {
            Dii::email_hash(hash).map_err(|error| Failure::local("invalid_hash", &error))
        } else if let Some(hash) = &self.phone_hash {
            Dii::phone_hash(hash).map_err(|error| Failure::local("invalid_hash", &error))
        } else {
            return Ok(None);
        };
        dii.map(Some)
    }
}
