//! What a token says to who has the keys.

use std::time::Duration;

use uid2_core::Scope;
use uid2_token::{Advertising, OuterRefreshToken, RawUidVersion, RefreshToken};

use super::keys::Keys;
use super::report::Report;
use crate::clock;
use crate::failure::Failure;

/// Opens an advertising token, and tells whether a bidder would take it now.
pub(super) fn advertising(
    text: &str,
    scope: Option<Scope>,
    keys: &Keys,
    show_raw_uid: bool,
    report: &mut Report,
) -> Result<(), Failure> {
    let scope = scope.or(keys.scope).unwrap_or_default();
    let token = Advertising::decode(text, scope, &keys.ring).map_err(|e| unopened(&e))?;
    let mut inside = Report::new("opened with the keys");
    inside.time("created", token.created);
    inside.time("expires", token.expires);
    inside.time("established", token.established);
    inside.time("refreshed", token.refreshed);
    inside.field("site_id", token.site_id);
    inside.field("client_side", token.privacy.is_client_side());
    inside.field("raw_uid_version", raw_uid_version(token.raw_uid.version()));
    if show_raw_uid {
        inside.field("raw_uid", token.raw_uid.to_base64().as_str());
    }
    let skew = keys.allowed_skew.unwrap_or(Duration::from_secs(1800));
    let lifetime = keys.max_lifetime.unwrap_or(Duration::MAX);
    let usable = token.check(clock::now(), lifetime, skew);
    inside.field("usable_now", usable.is_ok());
    if let Err(why) = usable {
        inside.note(why.to_string());
    }
    report.within("inside", inside);
    Ok(())
}

/// Opens a refresh token, which only an operator's own keys do.
pub(super) fn refresh(text: &str, keys: &Keys, report: &mut Report) -> Result<(), Failure> {
    let outer = match OuterRefreshToken::decode(text, &keys.ring) {
        Ok(outer) => outer,
        Err(error) => {
            report.note(format!(
                "not opened with these keys, which is as it should be: the keys of refresh \
                 tokens never leave the operator ({error})"
            ));
            return Ok(());
        }
    };
    let token = RefreshToken::decode(outer.inner(), &keys.ring).map_err(|e| unopened(&e))?;
    let mut inside = Report::new("opened with the keys");
    inside.time("created", token.created);
    inside.time("expires", token.expires);
    inside.time("established", token.established);
    inside.field("site_id", token.site_id);
    inside.field("client_side", token.privacy.is_client_side());
    report.within("inside", inside);
    Ok(())
}

/// By number; nothing if it has none of the known forms.
pub(super) const fn raw_uid_version(version: RawUidVersion) -> Option<u8> {
    match version {
        RawUidVersion::V2 => Some(2),
        RawUidVersion::V3 => Some(3),
        RawUidVersion::V4 => Some(4),
        _ => None,
    }
}

fn unopened(error: &dyn std::error::Error) -> Failure {
    Failure::local("does_not_open", error)
}
