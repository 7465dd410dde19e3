//! Signing in: step 1 of the guide.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use uid2_core::{Dii, Scope};
use uid2_publisher::{Establish, Established};

use super::account::{self, Standing};
use super::{go, note};
use crate::app::{App, blocking};
use crate::event::EventKind;
use crate::form::{Checked, Problem, kind_of, read_dii};
use crate::observed::mark;
use crate::page::account::Story;
use crate::page::sign_in::{EXAMPLES, SignInForm, SignInPage};
use crate::page::{Frame, html};
use crate::records::Session;
use crate::visitor::Visitor;

/// The form, by hand or by one of the examples' buttons.
#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    dii: String,
    consent: Option<String>,
    #[serde(default)]
    tcf: String,
    example: Option<String>,
}

impl SignInForm {
    pub(crate) fn of(app: &App) -> Self {
        Self {
            euid: app.scope == Scope::Euid,
            ..Self::default()
        }
    }
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    if visitor.session.is_some() {
        return Ok(go("/account"));
    }
    let form = SignInForm::of(&app);
    show_form(&app, &visitor, form)
}

fn show_form(app: &App, visitor: &Visitor, form: SignInForm) -> Result<Response, Problem> {
    let wrong = form.dii_error.is_some() || form.consent_error;
    let mut page = html(&SignInPage {
        frame: Frame::new(app, visitor, "Sign in").at("sign-in"),
        form,
    })?;
    if wrong {
        *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(visitor.attach(app, page))
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Checked(visitor, given): Checked<Given>,
) -> Result<Response, Problem> {
    // The people of the examples do not exist: they need no notice.
    let example = given.example.as_deref();
    let example = example.and_then(|dii| EXAMPLES.iter().find(|known| known.dii == dii));
    let consents = example.is_some() || given.consent.as_deref() == Some("yes");
    let text = example.map_or(given.dii.as_str(), |example| example.dii);
    match read_dii(text, app.scope) {
        Ok(dii) if consents => {
            let mut request = Establish::new(dii.clone());
            if !given.tcf.trim().is_empty() {
                request = request.with_tcf_consent_string(given.tcf.trim());
            }
            enter(&app, visitor, &dii, request).await
        }
        read => {
            let form = SignInForm {
                dii_error: read.err(),
                consent_error: !consents,
                dii: given.dii,
                tcf: given.tcf,
                ..SignInForm::of(&app)
            };
            show_form(&app, &visitor, form)
        }
    }
}

/// A real site would now verify that the address is the visitor's.
async fn enter(
    app: &App,
    visitor: Visitor,
    dii: &Dii,
    request: Establish,
) -> Result<Response, Problem> {
    let (records, person) = (app.records.clone(), dii.keyed_hash(&app.keys.people()));
    let new_id = App::new_user_id()?;
    let user = blocking(move || records.user_of(&person, &new_id)).await?;
    let session = Session {
        user,
        kind: kind_of(dii).into(),
    };
    let visitor = visitor.sign_in(app, session.clone()).await?;
    note(app, &session.user, EventKind::SignedIn).await?;
    establish(app, &visitor, &session, request).await
}

/// Asks for an identity, and goes on to the account; that UID2 cannot be had is
/// no reason not to let a user in.
pub(crate) async fn establish(
    app: &App,
    visitor: &Visitor,
    session: &Session,
    request: Establish,
) -> Result<Response, Problem> {
    let user = &session.user;
    match app.publisher.establish(user, request).await {
        Ok(Established::Token(token)) => {
            let (records, user, token) = (app.records.clone(), user.clone(), mark(token.as_str()));
            blocking(move || records.was_generated(&user, token)).await?;
        }
        Ok(Established::NoConsent) => note(app, user, EventKind::NoConsent).await?,
        // The store has told the timeline, and the account says why.
        Ok(_) => {}
        Err(error) => {
            let failed = account::failed(error)?;
            note(app, user, EventKind::NotGenerated).await?;
            let story = Story::new(&account::events(app, user).await?, app.now());
            let refused = matches!(failed, Standing::Refused);
            return account::down(app, visitor, story, false, refused);
        }
    }
    Ok(visitor.attach(app, go("/account")))
}
