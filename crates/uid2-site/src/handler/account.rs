//! The account: a token, or the reason why there is none.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::response::Response;
use serde::Deserialize;
use uid2_core::operation::Action;
use uid2_core::{Identity, Timestamp};
use uid2_publisher::{Error, NoToken, OptOut, OptOutReason, TokenOutcome};

use super::go;
use crate::app::{App, blocking};
use crate::event::{Event, EventKind};
use crate::form::{Checked, Nothing, Problem};
use crate::observed::mark;
use crate::page::account::{AccountPage, Shown, Story};
use crate::page::sign_in::SignInForm;
use crate::page::state::{ExpiredPage, MissingPage, OperatorDownPage, OptedOutPage};
use crate::page::{Frame, Moment, html};
use crate::records::Session;
use crate::visitor::Visitor;

/// How a user stands.
pub(crate) enum Standing {
    /// There is a token to bid with.
    Valid(Box<Identity>),
    /// There is no identity.
    Missing,
    OptedOut(OptOut),
    /// Neither token is of use any more.
    Expired,
    /// The token has expired, and the operator did not answer.
    Down,
    /// The operator answers, but not to this site.
    Refused,
}

/// How a user stands; waits for a refresh if there is nothing valid to serve.
pub(crate) async fn standing(app: &App, user: &str) -> Result<Standing, Problem> {
    // What is asked for second may have changed since the first; the third
    // answer can only be a race lost twice.
    for _ in 0..2 {
        match app.publisher.identity_json(user).await {
            Ok(Some(json)) => {
                let identity = Identity::from_json(json.as_bytes()).map_err(Problem::internal)?;
                return Ok(Standing::Valid(Box::new(identity)));
            }
            Ok(None) => {}
            Err(error) => return failed(error),
        }
        match app.publisher.token_now(user).await {
            Ok(TokenOutcome::Valid(_)) => {}
            Ok(TokenOutcome::None(reason)) => return Ok(why(reason)),
            Err(error) => return failed(error),
        }
    }
    Ok(Standing::Down)
}

fn why(reason: NoToken) -> Standing {
    match reason {
        NoToken::OptedOut(opt_out) => Standing::OptedOut(opt_out),
        NoToken::SignInAgain => Standing::Expired,
        NoToken::Unavailable { .. } => Standing::Down,
        _ => Standing::Missing,
    }
}

/// What a call that failed means for the user.
pub(crate) fn failed(error: Error) -> Result<Standing, Problem> {
    match (&error, error.action()) {
        (Error::Service(_), Action::SignInAgain) => Ok(Standing::Expired),
        (Error::Service(_), Action::FixConfiguration) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the operator refuses this site"
            );
            Ok(Standing::Refused)
        }
        (Error::Service(_), _) => Ok(Standing::Down),
        _ => Err(Problem::internal(error)),
    }
}

/// Something that was just done, told once.
#[derive(Deserialize)]
pub(crate) struct Done {
    done: Option<String>,
}

impl Done {
    pub(crate) fn note(&self) -> Option<&'static str> {
        Some(match self.done.as_deref()? {
            "refreshed" => "The operator was asked for a new token.",
            "asked-operator" => {
                "The operator has noted the opt-out. This site learns of it at the next refresh: \
                 refresh now, or let time pass."
            }
            "time" => "Time has passed, for this site and for its operator.",
            "out" => "The operator is out of order now, until you mend it.",
            "mended" => "The operator answers again.",
            "opted-in" => "You are back.",
            _ => return None,
        })
    }
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    let Some(session) = visitor.session.clone() else {
        return Ok(go(if visitor.has_ended {
            "/session-ended"
        } else {
            "/"
        }));
    };
    let standing = standing(&app, &session.user).await?;
    page(&app, &visitor, &session, standing, done.note()).await
}

/// The page for how a user stands.
pub(crate) async fn page(
    app: &App,
    visitor: &Visitor,
    session: &Session,
    standing: Standing,
    note: Option<&'static str>,
) -> Result<Response, Problem> {
    let events = events(app, &session.user).await?;
    let story = Story::new(&events, app.now());
    let frame = |title| {
        Frame::new(app, visitor, title)
            .at("account")
            .with_note(note)
    };
    let form = SignInForm::of(app);
    let page = match &standing {
        Standing::Valid(identity) => {
            let frame = frame("Your account");
            let eid = app.publisher.eid(identity.advertising_token().clone());
            let since = issued_at(&events).unwrap_or(frame.now());
            html(&AccountPage {
                kind: session.kind.clone(),
                revision: revision(&standing, &events),
                token: Shown::new(identity, &eid, since, frame.now()),
                frame,
                story,
            })?
        }
        Standing::Missing => html(&MissingPage {
            frame: frame("No identity"),
            form,
            story,
            no_consent: matches!(latest(&events), Some(EventKind::NoConsent)),
        })?,
        Standing::OptedOut(opt_out) => html(&OptedOutPage {
            of_site: opt_out.reason == OptOutReason::Publisher,
            since: Moment::new(opt_out.at, app.now()),
            frame: frame("Opted out"),
            form,
            story,
        })?,
        Standing::Expired => html(&ExpiredPage {
            frame: frame("Identity expired"),
            form,
            story,
        })?,
        Standing::Down | Standing::Refused => {
            let refused = matches!(standing, Standing::Refused);
            return down(app, visitor, story, true, refused);
        }
    };
    Ok(visitor.attach(app, page))
}

/// The operator does not answer, or not to this site.
pub(crate) fn down(
    app: &App,
    visitor: &Visitor,
    story: Story,
    has_identity: bool,
    refused: bool,
) -> Result<Response, Problem> {
    let mut page = html(&OperatorDownPage {
        frame: Frame::new(app, visitor, "No answer from the operator").at("account"),
        story,
        has_identity,
        refused,
    })?;
    *page.status_mut() = if refused {
        StatusCode::BAD_GATEWAY
    } else {
        page.headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("5"));
        StatusCode::SERVICE_UNAVAILABLE
    };
    Ok(visitor.attach(app, page))
}

/// Refreshes although it is not due yet, because somebody wants to see it.
pub(crate) async fn refresh(
    State(app): State<Arc<App>>,
    Checked(visitor, Nothing {}): Checked<Nothing>,
) -> Result<Response, Problem> {
    let Some(session) = &visitor.session else {
        return Ok(go("/session-ended"));
    };
    match app.publisher.refresh_early(&session.user).await {
        Ok(_) => Ok(go("/account?done=refreshed")),
        // A token that is still valid stays; the page says how it stands.
        Err(error) => {
            let failed = failed(error)?;
            let stays = standing(&app, &session.user).await?;
            let told = match stays {
                Standing::Valid(_) => failed,
                stays => stays,
            };
            page(&app, &visitor, session, told, None).await
        }
    }
}

pub(crate) async fn events(app: &App, user: &str) -> Result<Vec<Event>, Problem> {
    let (records, user) = (app.records.clone(), user.to_owned());
    blocking(move || records.events(&user)).await
}

fn latest(events: &[Event]) -> Option<EventKind> {
    events.first().map(|event| event.kind)
}

/// When the token at hand was issued, as the timeline has it.
fn issued_at(events: &[Event]) -> Option<Timestamp> {
    let issued = |event: &&Event| matches!(event.kind, EventKind::Generated | EventKind::Refreshed);
    events.iter().find(issued).map(|event| event.at)
}

/// Changes whenever the page would: what its script looks for.
pub(crate) fn revision(standing: &Standing, events: &[Event]) -> String {
    let state = match standing {
        Standing::Valid(identity) => {
            let token = mark(identity.advertising_token().as_str());
            token.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        Standing::Missing => "missing".to_owned(),
        Standing::OptedOut(_) => "opted-out".to_owned(),
        Standing::Expired => "expired".to_owned(),
        Standing::Down | Standing::Refused => "down".to_owned(),
    };
    let last = events.first().map_or(0, |event| event.id);
    format!("{state}-{last}")
}
