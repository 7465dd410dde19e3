//! Times in response headers.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};
use uid2_core::{ClockSkew, Timestamp};

/// How long the server asks to be left alone (RFC 9110, section 10.2.3).
///
/// A date is read against the server's own `Date`, where there is one, so that
/// a difference of the clocks does not count.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more seconds than anybody waits.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = parse_date(text)?;
    Some(until.saturating_since(date(headers, DATE).unwrap_or(now)))
}

/// How far the server's clock is from ours, by its `Date` header.
pub(super) fn clock_skew(headers: &HeaderMap, now: Timestamp) -> Option<ClockSkew> {
    date(headers, DATE).map(|server| ClockSkew::between(server, now))
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    parse_date(headers.get(name)?.to_str().ok()?.trim())
}

fn parse_date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text).ok().map(Timestamp::from)
}
