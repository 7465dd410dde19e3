//! The form to sign in, wherever it stands.

use askama::Template;

use super::Frame;

/// The test identities of the protocol, section 13, and a usual one: what
/// they are typed as, and what comes of them.
pub(crate) const EXAMPLES: [Example; 6] = [
    Example::new("user@example.com", "Everything as usual", "e-mail"),
    Example::new(
        "+12345678901",
        "A phone number that never opts out",
        "phone",
    ),
    Example::new("validate@example.com", "Never opts out", "e-mail"),
    Example::new("optout@example.com", "Has opted out of UID2", "e-mail"),
    Example::new(
        "refresh-optout@example.com",
        "Opts out at the first refresh",
        "e-mail",
    ),
    Example::new("+00000000002", "Opts out at the first refresh", "phone"),
];

/// Somebody who does not exist.
pub(crate) struct Example {
    pub(crate) dii: &'static str,
    what: &'static str,
    kind: &'static str,
}

impl Example {
    const fn new(dii: &'static str, what: &'static str, kind: &'static str) -> Self {
        Self { dii, what, kind }
    }
}

/// The front page.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) frame: Frame,
    pub(crate) form: SignInForm,
}

/// What the form shows.
#[derive(Default)]
pub(crate) struct SignInForm {
    /// What was typed before.
    pub(crate) dii: String,
    pub(crate) dii_error: Option<String>,
    pub(crate) consent_error: bool,
    /// EUID asks for a TCF consent string, and takes no phone numbers.
    pub(crate) euid: bool,
    pub(crate) tcf: String,
}

impl SignInPage {
    const fn examples(&self) -> &'static [Example] {
        let _ = self;
        &EXAMPLES
    }
}
