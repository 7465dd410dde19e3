//! Pages: what the templates are filled with.

pub(crate) mod account;
pub(crate) mod client_side;
pub(crate) mod error;
pub(crate) mod sign_in;
pub(crate) mod state;
mod text;

use askama::Template;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use uid2_core::Timestamp;

use crate::app::App;
use crate::form::Problem;
use crate::visitor::Visitor;

pub(crate) use text::{Deadline, Moment};

/// What is around every page.
pub(crate) struct Frame {
    /// The page's own name, for the window's title.
    title: &'static str,
    csrf: String,
    signed_in: bool,
    /// Whether there is an operator that visitors may play with.
    embedded: bool,
    /// Whether that operator is out of order, on purpose.
    outage: bool,
    operator_url: String,
    /// The site's time, for countdowns.
    now: Timestamp,
    /// Something that was just done.
    note: Option<&'static str>,
    /// Which entry of the menu this is.
    here: &'static str,
}

impl Frame {
    pub(crate) fn new(app: &App, visitor: &Visitor, title: &'static str) -> Self {
        use crate::operator::Workshop;
        let embedded = app.embedded.as_ref();
        Self {
            title,
            csrf: visitor.form_token(app),
            signed_in: visitor.session.is_some(),
            embedded: embedded.is_some(),
            outage: embedded.is_some_and(Workshop::is_out),
            operator_url: app.operator_url.to_string(),
            now: app.now(),
            note: None,
            here: "",
        }
    }

    pub(crate) const fn at(mut self, here: &'static str) -> Self {
        self.here = here;
        self
    }

    pub(crate) const fn with_note(mut self, note: Option<&'static str>) -> Self {
        self.note = note;
        self
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    fn now_millis(&self) -> i64 {
        self.now.as_millis()
    }
}

/// A page as a response.
pub(crate) fn html(template: &impl Template) -> Result<Response, Problem> {
    let page = template.render().map_err(Problem::internal)?;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    Ok(([(CONTENT_TYPE, kind)], page).into_response())
}
