//! The page on which the browser refreshes by itself.

use askama::Template;

use super::Frame;

#[derive(Template)]
#[template(path = "client_side.html")]
pub(crate) struct ClientSidePage {
    pub(crate) frame: Frame,
    /// Whether there is an identity to hand to the browser.
    pub(crate) has_identity: bool,
    pub(crate) client_version: String,
}
