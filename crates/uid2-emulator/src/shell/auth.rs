//! Who is calling (protocol, section 3).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::answer::Answer;
use super::route::Endpoint;
use crate::config::Client;
use crate::operator::State;

const SCHEME: &str = "bearer ";

/// The client that calls, if it says who it is and is one.
pub(crate) fn client<'a>(state: &'a State, headers: &HeaderMap) -> Option<&'a Client> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, key) = value.split_at_checked(SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    state.client(key.trim())
}

/// The client that calls, who must have one of the roles of the endpoint.
pub(crate) fn require<'a>(
    state: &'a State,
    headers: &HeaderMap,
    endpoint: Endpoint,
) -> Result<&'a Client, Answer> {
    client(state, headers)
        .filter(|client| client.roles().intersects(endpoint.roles()))
        .ok_or_else(Answer::unauthorized)
}
