//! What only an embedded operator allows: to opt out of UID2 as a whole, to let
//! time pass, and to have the operator fail.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{go, note};
use crate::app::{App, blocking};
use crate::event::EventKind;
use crate::form::{Checked, Problem, read_dii};
use crate::operator::Workshop;
use crate::page::state::EverywherePage;
use crate::page::{Frame, html};
use crate::visitor::Visitor;

/// The form that the service has on a site of its own.
pub(crate) async fn ask(
    State(app): State<Arc<App>>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    show(&app, &visitor, String::new(), None)
}

fn show(
    app: &App,
    visitor: &Visitor,
    dii: String,
    dii_error: Option<String>,
) -> Result<Response, Problem> {
    let wrong = dii_error.is_some();
    let mut page = html(&EverywherePage {
        frame: Frame::new(app, visitor, "Opt out of UID2"),
        dii,
        dii_error,
    })?;
    if wrong {
        *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(visitor.attach(app, page))
}

#[derive(Deserialize)]
pub(crate) struct Person {
    #[serde(default)]
    dii: String,
}

pub(crate) async fn opt_out(
    State(app): State<Arc<App>>,
    Checked(visitor, given): Checked<Person>,
) -> Result<Response, Problem> {
    let dii = match read_dii(&given.dii, app.scope) {
        Ok(dii) => dii,
        Err(wrong) => return show(&app, &visitor, given.dii, Some(wrong)),
    };
    if let Some(operator) = &app.embedded {
        operator.opt_out_everywhere(&dii);
    }
    let Some(session) = &visitor.session else {
        return Ok(go("/"));
    };
    let (records, user) = (app.records.clone(), session.user.clone());
    let person = dii.keyed_hash(&app.keys.people());
    if blocking(move || records.is_user(&user, &person)).await? {
        note(&app, &session.user, EventKind::AskedOperator).await?;
    }
    Ok(go("/account?done=asked-operator"))
}

#[derive(Deserialize)]
pub(crate) struct Pass {
    minutes: String,
}

/// The longest leap: longer than a session lasts.
const LONGEST: u64 = 40 * 24 * 60;

pub(crate) async fn pass(
    State(app): State<Arc<App>>,
    Checked(visitor, given): Checked<Pass>,
) -> Result<Response, Problem> {
    let minutes = given.minutes.parse().unwrap_or(0);
    if !(1..=LONGEST).contains(&minutes) {
        return Err(Problem::Status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    if let Some(session) = &visitor.session {
        note(&app, &session.user, EventKind::TimePassed).await?;
    }
    let ahead = app.clock.advance(Duration::from_secs(minutes * 60));
    let records = app.records.clone();
    blocking(move || records.set_clock_ahead(ahead)).await?;
    if let Some(session) = &visitor.session {
        // The background refresher has woken; waiting for it shows what it did.
        if let Err(error) = app.publisher.refresh(&session.user).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "nothing was refreshed"
            );
        }
    }
    Ok(go("/account?done=time"))
}

#[derive(Deserialize)]
pub(crate) struct Outage {
    out: String,
}

pub(crate) async fn outage(
    State(app): State<Arc<App>>,
    Checked(_, given): Checked<Outage>,
) -> Result<Response, Problem> {
    let out = given.out == "true";
    if let Some(operator) = &app.embedded {
        operator.set_out(out);
    }
    Ok(go(if out {
        "/account?done=out"
    } else {
        "/account?done=mended"
    }))
}
