//! What is tried, and what must come of it.

/// An official SDK.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Sdk {
    Python,
    Java,
}

impl Sdk {
    pub(super) const ALL: [Self; 2] = [Self::Python, Self::Java];

    /// How many tokens and data its program hands over to be read.
    pub(super) const fn tokens(self) -> usize {
        match self {
            Self::Python => 13,
            Self::Java => 5,
        }
    }
}

/// What must come of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    /// SDK and operator do what they should.
    Ok,
    /// The SDK has no such call.
    Absent,
    /// The SDK does one thing, the operator another. The program shows both.
    Deviates,
    /// Nothing: it is no matter of this SDK.
    Nothing,
}

/// Something that is tried with each SDK.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    python: Expected,
    java: Expected,
}

impl Row {
    pub(super) const fn expected(&self, sdk: Sdk) -> Expected {
        match sdk {
            Sdk::Python => self.python,
            Sdk::Java => self.java,
        }
    }
}

use Expected::{Absent, Deviates, Nothing, Ok};

const fn row(name: &'static str, what: &'static str, python: Expected, java: Expected) -> Row {
    Row {
        name,
        what,
        python,
        java,
    }
}

/// The row that comes of the tokens that the programs hand over.
pub(super) const READ_BY_US: &str = "read-by-uid2-token";

pub(super) const ROWS: &[Row] = &[
    row("generate-email", "generate, by e-mail address", Ok, Ok),
    row("generate-phone", "generate, by phone number", Ok, Ok),
    row("generate-email-hash", "generate, by hash of e-mail", Ok, Ok),
    row("generate-phone-hash", "generate, by hash of phone", Ok, Ok),
    row(
        "generate-raw-email",
        "generate, e-mail sent as it is",
        Ok,
        Absent,
    ),
    row(
        "generate-raw-phone",
        "generate, phone sent as it is",
        Ok,
        Absent,
    ),
    row("generate-optout", "generate, opted out", Ok, Ok),
    row("refresh", "refresh, again, and with an old token", Ok, Ok),
    row("refresh-optout", "refresh, opted out", Ok, Ok),
    row("identity-json", "identity kept as JSON", Ok, Ok),
    row("wrong-key", "unknown API key is refused", Ok, Ok),
    row(
        "wrong-secret",
        "wrong secret is refused, and told why",
        Ok,
        Deviates,
    ),
    row("times", "refresh times and expiry", Deviates, Ok),
    row("euid-generate", "EUID: generate with consent", Ok, Ok),
    row("euid-no-consent", "EUID: no token without consent", Ok, Ok),
    row("euid-no-phone", "EUID: no phone numbers", Ok, Ok),
    row("map-v2-email", "identity map v2, e-mail addresses", Ok, Ok),
    row("map-v2-phone", "identity map v2, phone numbers", Ok, Ok),
    row("map-v2-hash", "identity map v2, hashes", Ok, Ok),
    row(
        "map-v2-unmapped",
        "identity map v2, opted out and invalid",
        Ok,
        Ok,
    ),
    row("map-v3-mixed", "identity map v3, all kinds at once", Ok, Ok),
    row(
        "map-v3-unmapped",
        "identity map v3, opted out and invalid",
        Ok,
        Ok,
    ),
    row("map-v2-is-v3", "identity maps v2 and v3 agree", Ok, Ok),
    row("buckets", "identity buckets", Ok, Absent),
    row("euid-map", "EUID: identity map", Ok, Ok),
    row("decrypt", "bidstream decrypt", Ok, Ok),
    row(
        "decrypt-refreshed",
        "bidstream decrypt, refreshed tokens",
        Ok,
        Ok,
    ),
    row(
        "decrypt-sharing",
        "bidstream refuses sharing tokens",
        Ok,
        Ok,
    ),
    row(
        "decrypt-altered",
        "bidstream refuses altered tokens",
        Ok,
        Ok,
    ),
    row("share", "sharing encrypt and decrypt", Ok, Ok),
    row(
        "share-type",
        "sharing token of a phone says phone",
        Deviates,
        Deviates,
    ),
    row(
        "share-with-other",
        "sharing, decrypted by another client",
        Ok,
        Ok,
    ),
    row("legacy-client", "the deprecated client", Ok, Ok),
    row("legacy-data", "the deprecated encrypted data", Ok, Absent),
    row("mint-v2", "advertising token v2 by the SDK", Ok, Absent),
    row("mint-v3", "advertising token v3 by the SDK", Ok, Absent),
    row("mint-v4", "advertising token v4 by the SDK", Ok, Absent),
    row("euid-decrypt", "EUID: bidstream decrypt", Ok, Ok),
    row("euid-share", "EUID: sharing encrypt and decrypt", Ok, Ok),
    row(READ_BY_US, "the SDK's tokens, read by uid2-token", Ok, Ok),
    row(
        "email-around",
        "normalize: spaces around an address",
        Ok,
        Ok,
    ),
    row(
        "email-inner",
        "normalize: space in the local part",
        Deviates,
        Ok,
    ),
    row(
        "email-before-at",
        "normalize: space before the @",
        Deviates,
        Ok,
    ),
    row("email-domain", "normalize: space in the domain", Ok, Ok),
    row("email-gmail", "normalize: Gmail dots and plus", Ok, Ok),
    row(
        "email-gmail-space",
        "normalize: Gmail with a space",
        Deviates,
        Ok,
    ),
    row("email-unicode", "normalize: outside ASCII", Ok, Ok),
    row(
        "email-other-charset",
        "the same where the platform is not UTF-8",
        Nothing,
        Deviates,
    ),
    row(
        "phone-digits",
        "normalize: digits of other scripts",
        Deviates,
        Ok,
    ),
    row("redirect", "a redirect to another host", Deviates, Deviates),
];
