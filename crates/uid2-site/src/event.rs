//! What can happen to a user, as the timeline tells it.

use uid2_core::Timestamp;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Grows with each event.
    pub(crate) id: i64,
    pub(crate) kind: EventKind,
    pub(crate) at: Timestamp,
}

macro_rules! kinds {
    ($($kind:ident $name:literal $title:literal $text:literal;)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum EventKind {
            $(#[doc = $title] $kind,)+
        }

        impl EventKind {
            /// As it is stored.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            pub(crate) fn of(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$kind),)+ _ => None }
            }

            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)+ }
            }

            pub(crate) const fn text(self) -> &'static str {
                match self { $(Self::$kind => $text,)+ }
            }
        }
    };
}

kinds! {
    SignedIn "signed-in" "Signed in" "A session began; the browser got a new cookie.";
    Generated "generated" "Identity generated" "The operator made a token from the hash of the e-mail address or phone number.";
    Refreshed "refreshed" "Token refreshed" "The operator gave a new token for the refresh token.";
    RefreshFailed "refresh-failed" "Refresh failed" "The operator did not answer. It is tried again; the token at hand stays in use while it is valid.";
    RefreshEnded "refresh-ended" "Refresh token refused" "The operator does not take the refresh token any more.";
    NotGenerated "not-generated" "No identity" "The operator could not be asked, so there is no token. The sign-in stands.";
    NoConsent "no-consent" "No consent" "The consent string does not grant what the service needs.";
    AskedOperator "asked-operator" "Opted out at the operator" "This site does not know yet: it learns of it at the next refresh.";
    OptedOutService "opted-out-service" "Opt-out of UID2 learnt" "The identity was deleted, and no other will be asked for.";
    OptedOutSite "opted-out-site" "Opted out of this site" "The identity was deleted. The operator was not involved.";
    OptedIn "opted-in" "Opted back in" "The opt-out of this site was taken back.";
    TimePassed "time-passed" "Time passed" "Somebody let time pass for this site and its operator.";
    SignedOut "signed-out" "Signed out" "The identity was deleted; nothing in flight can bring it back.";
}

impl EventKind {
    /// How it looks; the title says what it is.
    pub(crate) const fn tone(self) -> &'static str {
        match self {
            Self::Generated | Self::Refreshed | Self::OptedIn => "good",
            Self::RefreshFailed | Self::NotGenerated => "warn",
            Self::RefreshEnded
            | Self::NoConsent
            | Self::AskedOperator
            | Self::OptedOutService
            | Self::OptedOutSite => "stop",
            Self::SignedIn | Self::TimePassed | Self::SignedOut => "quiet",
        }
    }
}
