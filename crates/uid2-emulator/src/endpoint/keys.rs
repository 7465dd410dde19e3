//! `POST /v2/key/sharing`, `/v2/key/bidstream` and `/v2/key/latest` (protocol,
//! section 12).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::Serialize;
use uid2_core::{Scope, Timestamp};

use crate::config::{Client, Keyset, Role, Site};
use crate::operator::State;
use crate::operator::keys::{Key, MASTER_KEYSET};
use crate::shell::answer::Answer;
use crate::shell::envelope::Sealed;

/// What the keyset of the master keys is called to clients.
pub(crate) const MASTER_KEYSET_ID: i32 = 9_999_999;
const ALLOW_CLOCK_SKEW_SECONDS: u64 = 1800;
/// How much longer than configured a lifetime may be.
const SLACK_SECONDS: u64 = 10;
/// Sites up to this one are the service's own.
const LAST_RESERVED_SITE: i32 = 2;

#[derive(Serialize)]
struct SharingBody {
    caller_site_id: i32,
    master_keyset_id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_keyset_id: Option<i32>,
    /// A text, as the service writes it.
    token_expiry_seconds: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_sharing_lifetime_seconds: Option<u64>,
    identity_scope: &'static str,
    allow_clock_skew_seconds: u64,
    keys: Vec<KeyBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_data: Option<Vec<SiteData>>,
}

#[derive(Serialize)]
struct BidstreamBody {
    max_bidstream_lifetime_seconds: u64,
    identity_scope: &'static str,
    allow_clock_skew_seconds: u64,
    keys: Vec<KeyBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_data: Option<Vec<SiteData>>,
}

/// Where client-side tokens of a site may come from.
#[derive(Serialize)]
struct SiteData {
    id: i32,
    domain_names: Vec<String>,
}

/// Times in seconds.
#[derive(Serialize)]
struct KeyBody {
    id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyset_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_id: Option<i32>,
    created: i64,
    activates: i64,
    expires: i64,
    secret: String,
}

pub(crate) fn sharing(request: &mut Sealed<'_>) -> Answer {
    let state = request.state.read();
    let client = request.client;
    let token_expiry = state.config.lifetimes.sharing_token().as_secs();
    let is_sharer = client.roles().contains(Role::Sharer);
    let keys = accessible(&state, client).map(|key| KeyBody {
        keyset_id: keyset_id(&state, key, client),
        ..body(key)
    });
    Answer::success(SharingBody {
        caller_site_id: client.site_id(),
        master_keyset_id: MASTER_KEYSET_ID,
        default_keyset_id: state.default_keyset(client.site_id()),
        token_expiry_seconds: token_expiry.to_string(),
        max_sharing_lifetime_seconds: is_sharer.then_some(token_expiry + SLACK_SECONDS),
        identity_scope: scope(&state),
        allow_clock_skew_seconds: ALLOW_CLOCK_SKEW_SECONDS,
        keys: keys.collect(),
        site_data: site_data(&state, client),
    })
}

pub(crate) fn bidstream(request: &mut Sealed<'_>) -> Answer {
    let state = request.state.read();
    let lifetime = state.config.lifetimes.identity().as_secs();
    Answer::success(BidstreamBody {
        max_bidstream_lifetime_seconds: lifetime + SLACK_SECONDS,
        identity_scope: scope(&state),
        allow_clock_skew_seconds: ALLOW_CLOCK_SKEW_SECONDS,
        keys: accessible(&state, request.client).map(body).collect(),
        site_data: site_data(&state, request.client),
    })
}

pub(crate) fn latest(request: &mut Sealed<'_>) -> Answer {
    let site_id = request.client.site_id();
    if site_id <= LAST_RESERVED_SITE {
        let message = format!("Unexpected client site id {site_id}");
        return Answer::error(StatusCode::UNAUTHORIZED, "invalid_client", message);
    }
    let state = request.state.read();
    let keys = accessible(&state, request.client).map(|key| KeyBody {
        site_id: state.keyset(key.keyset_id).map(|keyset| keyset.site_id),
        ..body(key)
    });
    Answer::success(keys.collect::<Vec<_>>())
}

/// The keys that a client may see, sorted by number: the master keys, those of
/// its own site, and those that others let it see.
fn accessible<'a>(state: &'a State, client: &Client) -> impl Iterator<Item = &'a Key> {
    let (own, reads) = (client.site_id(), client.roles().contains(Role::IdReader));
    let is_accessible =
        move |keyset: &Keyset| keyset.id == MASTER_KEYSET || keyset.is_visible_to(own, reads);
    state
        .keys
        .visible()
        .filter(move |key| state.keyset(key.keyset_id).is_some_and(is_accessible))
}

/// Told only where a client may seal with the key.
fn keyset_id(state: &State, key: &Key, client: &Client) -> Option<i32> {
    match state.keyset(key.keyset_id)? {
        keyset if keyset.id == MASTER_KEYSET => Some(MASTER_KEYSET_ID),
        keyset => (keyset.site_id == client.site_id()).then_some(keyset.id),
    }
}

fn body(key: &Key) -> KeyBody {
    let seconds = |time: Timestamp| time.as_millis().div_euclid(1000);
    KeyBody {
        id: key.key.id(),
        keyset_id: None,
        site_id: None,
        created: seconds(key.created),
        activates: seconds(key.activates),
        expires: seconds(key.expires),
        secret: STANDARD.encode(key.key.expose()),
    }
}

/// Of every site of whose keys the client sees some, its names sorted; nothing
/// without a client-side integration.
fn site_data(state: &State, client: &Client) -> Option<Vec<SiteData>> {
    if !state.config.client_side_generate() {
        return None;
    }
    let keysets = accessible(state, client).filter_map(|key| state.keyset(key.keyset_id));
    let mut sites: Vec<i32> = keysets.map(|keyset| keyset.site_id).collect();
    sites.sort_unstable();
    sites.dedup();
    let site = |id| state.config.sites.iter().find(|site| site.id == id);
    let data = sites.into_iter().filter_map(site).map(|site| SiteData {
        id: site.id,
        domain_names: names(site, state.config.tell_app_names),
    });
    Some(data.filter(|site| !site.domain_names.is_empty()).collect())
}

fn names(site: &Site, with_apps: bool) -> Vec<String> {
    let apps = with_apps.then_some(site.app_names.as_slice());
    let domains = site.domain_names.iter();
    let mut names: Vec<String> = domains.chain(apps.unwrap_or_default()).cloned().collect();
    names.sort();
    names.dedup();
    names
}

fn scope(state: &State) -> &'static str {
    match state.config.scope {
        Scope::Uid2 => "UID2",
        Scope::Euid => "EUID",
    }
}
