//! Forms, and what is wrong with a request.

use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uid2_core::{Dii, Scope};

use crate::app::App;
use crate::guard::host::is_from_own_page;
use crate::visitor::Visitor;

/// A form that a page of this site has sent, for this visitor.
pub(crate) struct Checked<T>(pub(crate) Visitor, pub(crate) T);

#[derive(Deserialize)]
struct WithToken<T> {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Checked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        if !is_from_own_page(app, request.headers()) {
            return Err(Problem::Forged);
        }
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        let form = Form::<WithToken<T>>::from_request(request, app).await;
        // What the rejection says may quote the form.
        let Form(form) = form.map_err(|rejection| Problem::Status(rejection.status()))?;
        if !visitor.is_form_token(app, &form.csrf) {
            return Err(Problem::Forged);
        }
        Ok(Self(visitor, form.form))
    }
}

/// A form that has nothing but its button.
#[derive(Deserialize)]
pub(crate) struct Nothing {}

/// Why a request gets no page of its own. The site's pages of errors are put
/// around it later.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Of another site's, or from before the cookie changed.
    Forged,
    /// As the HTTP status says.
    Status(StatusCode),
    /// A failure of ours, which is in the log.
    Internal,
}

impl Problem {
    /// Notes what happened. Errors of ours tell nothing personal.
    pub(crate) fn internal(error: impl std::error::Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(error) = source {
            causes.push(error.to_string());
            source = error.source();
        }
        tracing::error!(%error, ?causes, "a request failed");
        Self::Internal
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Forged => StatusCode::FORBIDDEN,
            Self::Status(status) => status,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
        .into_response()
    }
}

/// An e-mail address or a phone number, whichever it looks like, or what is
/// wrong with it.
pub(crate) fn read_dii(text: &str, scope: Scope) -> Result<Dii, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("Enter an e-mail address or a phone number.".into());
    }
    if text.contains('@') {
        return Dii::email(text).map_err(|error| sentence(&error.to_string()));
    }
    // Separators that people write; the digits themselves are never guessed.
    let phone: String = text.chars().filter(|c| !" -().".contains(*c)).collect();
    if scope == Scope::Euid {
        return Err("That is no e-mail address, and EUID takes nothing else.".into());
    }
    if !phone.chars().any(|c| c.is_ascii_digit()) {
        return Err("That is neither an e-mail address (it has no '@') nor a phone number.".into());
    }
    Dii::phone(&phone).map_err(|error| sentence(&error.to_string()))
}

/// What it is, to tell people by.
pub(crate) const fn kind_of(dii: &Dii) -> &'static str {
    match dii {
        Dii::Phone(_) | Dii::PhoneHash(_) => "phone number",
        _ => "e-mail address",
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_may_write_it_as_they_do() {
        let phone = Dii::phone("+12345678901").unwrap();
        for text in ["+12345678901", " +1 (234) 567-8901", "+1.234.567.8901"] {
            assert_eq!(
                read_dii(text, Scope::Uid2).unwrap().hash_bytes(),
                phone.hash_bytes(),
                "{text}"
            );
        }
        let email = Dii::email("jane@example.com").unwrap();
        let read = read_dii(" Jane@Example.com ", Scope::Uid2).unwrap();
        assert_eq!(read.hash_bytes(), email.hash_bytes());
        assert_eq!(
            (kind_of(&read), kind_of(&phone)),
            ("e-mail address", "phone number")
        );
    }

    #[test]
    fn what_is_wrong_is_told_without_repeating_it() {
        for text in [
            "",
            "jane",
            "jane@",
            "@x",
            "a@b@c",
            "12345678901",
            "+123",
            "+0x12345678901",
        ] {
            let told = read_dii(text, Scope::Uid2).unwrap_err();
            assert!(told.ends_with('.'), "{told}");
            assert!(read_dii("+12345678901", Scope::Euid).is_err());
            assert!(text.is_empty() || !told.contains(text), "{told}");
        }
    }
}
