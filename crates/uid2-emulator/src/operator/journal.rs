//! What was asked lately.

use std::collections::VecDeque;
use std::sync::Arc;

use http::HeaderMap;
use parking_lot::Mutex;
use uid2_core::Timestamp;
use uid2_core::envelope::Encoding;

use crate::config::Client;
use crate::fault::Fault;
use crate::shell::route::Endpoint;

/// How many requests are remembered.
pub(super) const CAPACITY: usize = 1000;
const VERSION_HEADER: &str = "x-uid2-client-version";
/// Longer than any version of an SDK, shorter than any hash or token.
const VERSION_MAX: usize = 40;

/// A request that an operator has answered: who asked what and what came of it,
/// but nothing of what it was about. There are no DII, hashes, tokens or keys.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RequestRecord {
    /// When, by the operator's clock.
    pub at: Timestamp,
    /// What was asked for.
    pub endpoint: Endpoint,
    /// The name of the client, if the request had the key of one that may ask.
    pub client: Option<Arc<str>>,
    /// The site of the client, or of the key pair of a client-side request.
    pub site_id: Option<i32>,
    /// The HTTP status, if any of the answer was sent.
    pub http_status: Option<u16>,
    /// The `status` of the operator's answer, e.g. `success` or `optout`; a
    /// front end's, or a text, has none.
    pub status: Option<&'static str>,
    /// How the body was sealed, once that was known; nothing in the clear.
    pub encoding: Option<Encoding>,
    /// The header `X-UID2-Client-Version`, if it looks like a version.
    pub client_version: Option<Box<str>>,
    /// What went wrong on purpose, as [`fault`](crate::fault) writes it.
    pub fault: Option<Box<str>>,
}

/// What is learnt of a request on its way.
#[derive(Debug)]
pub(crate) struct Note {
    endpoint: Endpoint,
    client_version: Option<Box<str>>,
    client: Option<Arc<str>>,
    site_id: Option<i32>,
    status: Option<&'static str>,
    encoding: Option<Encoding>,
}

impl Note {
    pub(crate) fn new(path: &str, headers: &HeaderMap) -> Self {
        Self {
            endpoint: Endpoint::of(path),
            client_version: client_version(headers).map(Box::from),
            client: None,
            site_id: None,
            status: None,
            encoding: None,
        }
    }

    pub(crate) fn client(&mut self, client: &Client) {
        self.client = Some(client.shared_name());
        self.site_id = Some(client.site_id());
    }

    pub(crate) const fn site(&mut self, site_id: i32) {
        self.site_id = Some(site_id);
    }

    pub(crate) const fn status(&mut self, status: Option<&'static str>) {
        self.status = status;
    }

    pub(crate) const fn encoding(&mut self, encoding: Encoding) {
        self.encoding = Some(encoding);
    }

    fn into_record(self, at: Timestamp, http_status: Option<u16>, fault: &Fault) -> RequestRecord {
        RequestRecord {
            at,
            endpoint: self.endpoint,
            client: self.client,
            site_id: self.site_id,
            http_status,
            status: self.status,
            encoding: self.encoding,
            client_version: self.client_version,
            fault: (!fault.is_none()).then(|| fault.to_string().into()),
        }
    }
}

/// A name and a number. What else callers put there is not kept: it may be
/// about a person.
fn client_version(headers: &HeaderMap) -> Option<&str> {
    let version = headers.get(VERSION_HEADER)?.to_str().ok()?;
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/ ".contains(&byte);
    let is_version = version.len() <= VERSION_MAX
        && version.starts_with(|first: char| first.is_ascii_alphabetic())
        && version.bytes().all(is_usual);
    is_version.then_some(version)
}

/// The last requests, the oldest first.
#[derive(Default)]
pub(super) struct Journal(Mutex<VecDeque<RequestRecord>>);

impl Journal {
    pub(super) fn note(&self, note: Note, at: Timestamp, http_status: Option<u16>, fault: &Fault) {
        let record = note.into_record(at, http_status, fault);
        let mut records = self.0.lock();
        let oldest = if records.len() < CAPACITY {
            None
        } else {
            records.pop_front()
        };
        records.push_back(record);
        drop(records);
        // Freed without the lock.
        drop(oldest);
    }

    pub(super) fn records(&self) -> Vec<RequestRecord> {
        self.0.lock().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_are_kept() {
        let kept = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(VERSION_HEADER, http::HeaderValue::from_static(text));
            client_version(&headers).is_some()
        };
        for version in ["uid2-client-python-2.5.0", "Android-1.6.0", "ios 1.10/x"] {
            assert!(kept(version), "{version}");
        }
        for other in [
            "user@example.com",
            "+12345678901",
            "12345678901",
            "",
            "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=",
            "b4c9a28932a8ec8b1c3e940f150eb9b8c5a1f9a2b3c4d5e6f708192a3b4c5d6e",
        ] {
            assert!(!kept(other), "{other}");
        }
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let journal = Journal::default();
        for n in 0..CAPACITY + 5 {
            let note = Note::new("/v2/token/refresh", &HeaderMap::new());
            let at = Timestamp::from_millis(i64::try_from(n).unwrap());
            journal.note(note, at, Some(200), &Fault::none());
        }
        let records = journal.records();
        assert_eq!(records.len(), CAPACITY);
        assert_eq!(records[0].at, Timestamp::from_millis(5));
        assert_eq!(records[0].endpoint, Endpoint::TokenRefresh);
    }
}
