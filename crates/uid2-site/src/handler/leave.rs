//! Signing out, opting out of this site, and coming back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use uid2_core::lifecycle::OptOutReason;
use uid2_publisher::{Establish, Establish as Request};

use super::account::{self, Standing};
use super::sign_in::establish;
use super::{go, note};
use crate::app::{App, blocking};
use crate::event::EventKind;
use crate::form::{Checked, Nothing, Problem, read_dii};
use crate::page::account::Story;
use crate::page::sign_in::SignInForm;
use crate::page::state::{OptedOutPage, SessionEndedPage};
use crate::page::{Frame, Moment, html};
use crate::visitor::Visitor;

/// Step 4 of the guide: the identity goes first, then the session.
pub(crate) async fn sign_out(
    State(app): State<Arc<App>>,
    Checked(visitor, Nothing {}): Checked<Nothing>,
) -> Result<Response, Problem> {
    if let Some(session) = &visitor.session {
        let logged_out = app.publisher.logout(&session.user).await;
        logged_out.map_err(Problem::internal)?;
    }
    let visitor = visitor.sign_out(&app).await?;
    Ok(visitor.attach(&app, go("/")))
}

/// No more tokens for this user here; no matter of the operator's.
pub(crate) async fn opt_out(
    State(app): State<Arc<App>>,
    Checked(visitor, Nothing {}): Checked<Nothing>,
) -> Result<Response, Problem> {
    let Some(session) = &visitor.session else {
        return Ok(go("/session-ended"));
    };
    let opted_out = app.publisher.opt_out(&session.user).await;
    opted_out.map_err(Problem::internal)?;
    Ok(go("/account"))
}

#[derive(Deserialize)]
pub(crate) struct Back {
    #[serde(default)]
    dii: String,
    consent: Option<String>,
    #[serde(default)]
    tcf: String,
}

/// Takes an opt-out of this site back. The site does not know the e-mail address
/// or phone number, so it must be given once more.
pub(crate) async fn opt_in(
    State(app): State<Arc<App>>,
    Checked(visitor, back): Checked<Back>,
) -> Result<Response, Problem> {
    let Some(session) = visitor.session.clone() else {
        return Ok(go("/session-ended"));
    };
    let mut form = SignInForm {
        consent_error: back.consent.as_deref() != Some("yes"),
        dii: back.dii.clone(),
        tcf: back.tcf.clone(),
        ..SignInForm::of(&app)
    };
    match read_dii(&back.dii, app.scope) {
        Ok(dii) => {
            let (records, user) = (app.records.clone(), session.user.clone());
            let person = dii.keyed_hash(&app.keys.people());
            if !blocking(move || records.is_user(&user, &person)).await? {
                form.dii_error = Some("That is not what you signed in with.".into());
            } else if !form.consent_error {
                let remains = app.publisher.opt_in(&session.user, &dii).await;
                if remains.map_err(Problem::internal)?.is_none() {
                    note(&app, &session.user, EventKind::OptedIn).await?;
                    let mut request: Request = Establish::new(dii);
                    if !back.tcf.trim().is_empty() {
                        request = request.with_tcf_consent_string(back.tcf.trim());
                    }
                    return establish(&app, &visitor, &session, request).await;
                }
                return Ok(go("/account"));
            }
        }
        Err(wrong) => form.dii_error = Some(wrong),
    }
    show_again(&app, &visitor, form).await
}

/// The page with the form, and what is wrong with it.
async fn show_again(app: &App, visitor: &Visitor, form: SignInForm) -> Result<Response, Problem> {
    let Some(session) = &visitor.session else {
        return Ok(go("/session-ended"));
    };
    let Standing::OptedOut(opt_out) = account::standing(app, &session.user).await? else {
        return Ok(go("/account"));
    };
    let mut page = html(&OptedOutPage {
        frame: Frame::new(app, visitor, "Opted out").at("account"),
        form,
        story: Story::new(&account::events(app, &session.user).await?, app.now()),
        of_site: opt_out.reason == OptOutReason::Publisher,
        since: Moment::new(opt_out.at, app.now()),
    })?;
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(page)
}

/// The cookie is of a session that is no more; from here on there is another one.
pub(crate) async fn session_ended(
    State(app): State<Arc<App>>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    if visitor.session.is_some() {
        return Ok(go("/account"));
    }
    let visitor = visitor.begin_anew()?;
    let page = html(&SessionEndedPage {
        frame: Frame::new(&app, &visitor, "Session ended"),
    })?;
    Ok(visitor.attach(&app, page))
}
