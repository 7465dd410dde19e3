//! The pages of who has no token, one for each reason.

use askama::Template;

use super::account::Story;
use super::sign_in::SignInForm;
use super::{Frame, Moment};

/// Signed in, and there is no identity.
#[derive(Template)]
#[template(path = "missing.html")]
pub(crate) struct MissingPage {
    pub(crate) frame: Frame,
    pub(crate) form: SignInForm,
    pub(crate) story: Story,
    /// The consent string did not grant enough (EUID).
    pub(crate) no_consent: bool,
}

/// Signed in, and opted out.
#[derive(Template)]
#[template(path = "opted_out.html")]
pub(crate) struct OptedOutPage {
    pub(crate) frame: Frame,
    pub(crate) form: SignInForm,
    pub(crate) story: Story,
    /// Of this site only, rather than of the whole service.
    pub(crate) of_site: bool,
    pub(crate) since: Moment,
}

/// Signed in, and both tokens are past their end.
#[derive(Template)]
#[template(path = "expired.html")]
pub(crate) struct ExpiredPage {
    pub(crate) frame: Frame,
    pub(crate) form: SignInForm,
    pub(crate) story: Story,
}

/// The operator does not answer.
#[derive(Template)]
#[template(path = "operator_down.html")]
pub(crate) struct OperatorDownPage {
    pub(crate) frame: Frame,
    pub(crate) story: Story,
    /// There is an identity that the next refresh may bring back.
    pub(crate) has_identity: bool,
    /// It answers, but not to this site: the configuration is to be mended.
    pub(crate) refused: bool,
}

/// The session has ended.
#[derive(Template)]
#[template(path = "session_ended.html")]
pub(crate) struct SessionEndedPage {
    pub(crate) frame: Frame,
}

/// To opt out of the whole service, at the embedded operator.
#[derive(Template)]
#[template(path = "everywhere.html")]
pub(crate) struct EverywherePage {
    pub(crate) frame: Frame,
    pub(crate) dii: String,
    pub(crate) dii_error: Option<String>,
}
