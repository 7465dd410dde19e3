//! Faults of a store that no store may have: planted, to see that each is noticed.

use uid2_core::Identity;
use uid2_core::lifecycle::Record;
use uid2_store::{Entry, Precondition};

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// Writes whatever the precondition says: what left comes back.
    ForgetsPreconditions,
    /// Says of each identity that it lasts a day longer than it does.
    Flatters,
    /// Logs the tokens that it stores.
    Talks,
}

impl Flaw {
    pub(crate) fn precondition(flaw: Option<Self>, when: Precondition) -> Precondition {
        if flaw == Some(Self::ForgetsPreconditions) {
            Precondition::Any
        } else {
            when
        }
    }

    pub(crate) fn entry(flaw: Option<Self>, mut entry: Entry) -> Entry {
        if flaw == Some(Self::Flatters)
            && let Record::Identity(stored) = &mut entry.record
            && let Some(longer) = longer(&stored.identity)
        {
            stored.identity = longer.into();
        }
        entry
    }

    pub(crate) fn stores(flaw: Option<Self>, identity: &Identity) {
        if flaw == Some(Self::Talks) {
            tracing::debug!(token = identity.advertising_token().as_str(), "stored");
        }
    }
}

fn longer(identity: &Identity) -> Option<Identity> {
    const DAY: i64 = 86_400_000;
    let mut json: serde_json::Value = serde_json::from_str(&identity.to_json()).ok()?;
    let expires = identity.identity_expires().as_millis() + DAY;
    *json.get_mut("identity_expires")? = expires.into();
    Identity::from_json(json.to_string().as_bytes()).ok()
}
