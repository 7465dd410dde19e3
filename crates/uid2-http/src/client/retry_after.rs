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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000); // Tue, 14 Nov 2023 22:13:20 GMT

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (name.clone(), value)
        });
        pairs.collect()
    }

    #[test]
    fn seconds_and_dates_are_read() {
        for (text, secs) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", Some(u64::MAX)),
            ("Tue, 14 Nov 2023 22:13:50 GMT", Some(30)),
            // The older forms of RFC 9110, section 5.6.7.
            ("Tuesday, 14-Nov-23 22:13:50 GMT", Some(30)),
            ("Tue Nov 14 22:13:50 2023", Some(30)),
            // Past already.
            ("Tue, 14 Nov 2023 22:13:19 GMT", Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1e3", None),
            ("1 2", None),
            ("٣", None),
            ("Tue, 14 Nov 2023 22:13:50 CET", None),
            ("2023-11-14T22:13:50Z", None),
        ] {
            let found = retry_after(&headers(&[(RETRY_AFTER, text)]), NOW);
            assert_eq!(found, secs.map(Duration::from_secs), "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), NOW), None);
    }

    #[test]
    fn a_date_is_read_against_the_servers_clock() {
        let both = headers(&[
            (DATE, "Tue, 14 Nov 2023 23:00:00 GMT"),
            (RETRY_AFTER, "Tue, 14 Nov 2023 23:00:10 GMT"),
        ]);
        assert_eq!(retry_after(&both, NOW), Some(Duration::from_secs(10)));
        let garbled = headers(&[
            (DATE, "now"),
            (RETRY_AFTER, "Tue, 14 Nov 2023 22:13:30 GMT"),
        ]);
        assert_eq!(retry_after(&garbled, NOW), Some(Duration::from_secs(10)));
    }

    #[test]
    fn skew_is_what_the_date_says() {
        let skew = |date| {
            let skew = clock_skew(&headers(&[(DATE, date)]), NOW)?;
            Some(skew.server_ahead_millis())
        };
        assert_eq!(skew("Tue, 14 Nov 2023 22:13:21 GMT"), Some(1000));
        assert_eq!(skew("Tue, 14 Nov 2023 22:13:10 GMT"), Some(-10_000));
        assert_eq!(skew("soon"), None);
        assert_eq!(clock_skew(&HeaderMap::new(), NOW), None);
    }
}
