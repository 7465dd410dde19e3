//! Records to test with.

use uid2_core::lifecycle::{OptOut, OptOutReason, Record};
use uid2_core::{Identity, IdentityError, Timestamp};

/// An identity that is due at one time and expires at another; `text` tells it
/// from others, and makes it as large as wanted.
///
/// # Errors
/// None that can happen with a `text` that needs no escapes in JSON.
pub fn identity(text: &str, due: Timestamp, expires: Timestamp) -> Result<Record, IdentityError> {
    let json = format!(
        r#"{{"advertising_token":"A{text}","refresh_token":"R{text}","refresh_from":{},
            "identity_expires":{},"refresh_expires":{},
            "refresh_response_key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}}"#,
        due.as_millis(),
        expires.as_millis(),
        expires.as_millis(),
    );
    Identity::from_json(json.as_bytes()).map(|identity| Record::identity(identity, Some([7; 32])))
}

/// That a user has opted out at a time.
#[must_use]
pub const fn opt_out(at: Timestamp) -> Record {
    Record::OptOut(OptOut {
        reason: OptOutReason::Service,
        at,
    })
}

/// That a user has logged out at a time.
#[must_use]
pub const fn logged_out(at: Timestamp, until: Timestamp) -> Record {
    Record::LoggedOut { at, until }
}
