//! Making identities.

use rand_core::CryptoRng;
use serde::Serialize;
use uid2_core::{DiiKind, ResponseKey, Timestamp};
use uid2_token::{
    Advertising, FirstLevelHash, OuterRefreshToken, PrivacyBits, RefreshToken, RefreshVersion,
    Version,
};

use super::keys::{FALLBACK_KEYSET, MASTER_KEYSET, REFRESH_KEYSET};
use super::state::State;

/// Whom to make an identity for.
pub(crate) struct Subject {
    pub(crate) kind: DiiKind,
    pub(crate) first_level: FirstLevelHash,
    pub(crate) site_id: i32,
    pub(crate) privacy: PrivacyBits,
    pub(crate) established: Timestamp,
}

/// The `body` of a reply to generate or refresh, in the service's order.
#[derive(Serialize)]
pub(crate) struct IdentityBody {
    advertising_token: String,
    refresh_token: String,
    identity_expires: i64,
    refresh_expires: i64,
    refresh_from: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_response_key: Option<String>,
}

impl State {
    /// Makes an identity, or nothing if no key is active now.
    pub(crate) fn mint(
        &self,
        subject: &Subject,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Option<IdentityBody> {
        let lifetimes = self.config.lifetimes;
        let expires = now.saturating_add(lifetimes.identity());
        let refresh_expires = now.saturating_add(lifetimes.refresh());
        let advertising_token = self.advertising_token(subject, now, expires, rng)?;
        let inner = RefreshToken {
            version: RefreshVersion::V3,
            scope: self.config.scope,
            kind: subject.kind,
            expires: refresh_expires,
            created: now,
            operator: uid2_token::OperatorStamp::default(),
            site_id: subject.site_id,
            publisher_id: 0,
            client_key_id: 0,
            privacy: subject.privacy,
            established: subject.established,
            first_level_hash: subject.first_level,
        };
        let refresh_key = self.keys.active(REFRESH_KEYSET, now)?;
        let inner = inner.encode(refresh_key, rng);
        let (refresh_token, response_key) = if self.config.encryption {
            let mut key = [0; 32];
            rng.fill_bytes(&mut key);
            let key = ResponseKey::from_bytes(key);
            let outer = OuterRefreshToken::new(&inner, key.clone());
            let outer = outer.encode(self.config.scope, refresh_key, rng);
            (outer, Some(key.expose_base64().to_string()))
        } else {
            // There is nothing to seal a reply with, so no outer token either.
            (inner, None)
        };
        Some(IdentityBody {
            advertising_token,
            refresh_token,
            identity_expires: expires.as_millis(),
            refresh_expires: refresh_expires.as_millis(),
            refresh_from: now.saturating_add(lifetimes.refresh_from()).as_millis(),
            refresh_response_key: response_key,
        })
    }

    fn advertising_token(
        &self,
        subject: &Subject,
        now: Timestamp,
        expires: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Option<String> {
        let raw_uid = self
            .salts
            .raw_uid(self.uid_form(), subject.kind, &subject.first_level);
        let mut token = Advertising::new(raw_uid, subject.site_id, now, expires);
        token.scope = self.config.scope;
        token.kind = subject.kind;
        token.privacy = subject.privacy;
        token.established = subject.established;
        let master = self.keys.active(MASTER_KEYSET, now)?;
        let site = self
            .default_keyset(subject.site_id)
            .and_then(|keyset| self.keys.active(keyset, now))
            .or_else(|| self.keys.active(FALLBACK_KEYSET, now))?;
        Some(token.encode(Version::V4, master, site, rng))
    }
}
