//! The page of a visitor who has a token.

use askama::Template;
use serde::Serialize;
use uid2_core::{Eid, Identity, IdentityState, Timestamp};

use super::{Deadline, Frame, Moment};
use crate::event::Event;

/// The page that the guide is about.
#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    pub(crate) frame: Frame,
    /// What was signed in with: "e-mail address" or "phone number".
    pub(crate) kind: String,
    pub(crate) revision: String,
    pub(crate) token: Shown,
    pub(crate) story: Story,
}

/// An identity, as it is shown to whom it is about.
pub(crate) struct Shown {
    due: bool,
    advertising_token: String,
    eids_2_6: String,
    eids_2_5: String,
    refresh_from: Deadline,
    identity_expires: Deadline,
    refresh_expires: Deadline,
}

impl Shown {
    pub(crate) fn new(identity: &Identity, eid: &Eid, since: Timestamp, now: Timestamp) -> Self {
        let deadline = |at| Deadline::new(at, since.min(now), now);
        let eids = Eids { eids: [eid] };
        Self {
            due: identity.state(now) != IdentityState::Fresh,
            advertising_token: identity.advertising_token().as_str().to_owned(),
            eids_2_6: pretty(&User { user: &eids }),
            eids_2_5: pretty(&User {
                user: Ext { ext: &eids },
            }),
            refresh_from: deadline(identity.refresh_from()),
            identity_expires: deadline(identity.identity_expires()),
            refresh_expires: deadline(identity.refresh_expires()),
        }
    }
}

#[derive(Serialize)]
struct User<U> {
    user: U,
}

#[derive(Serialize)]
struct Ext<'a> {
    ext: &'a Eids<'a>,
}

#[derive(Serialize)]
struct Eids<'a> {
    eids: [&'a Eid; 1],
}

/// As it would leave, but for the white space.
fn pretty(value: &impl Serialize) -> String {
    // Texts, numbers and lists of them always serialize.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// What happened so far, the latest first.
pub(crate) struct Story {
    pub(super) events: Vec<Told>,
}

pub(super) struct Told {
    pub(super) tone: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) at: Moment,
}

impl Story {
    pub(crate) fn new(events: &[Event], now: Timestamp) -> Self {
        let tell = |event: &Event| Told {
            tone: event.kind.tone(),
            title: event.kind.title(),
            text: event.kind.text(),
            at: Moment::new(event.at, now),
        };
        Self {
            events: events.iter().map(tell).collect(),
        }
    }
}
