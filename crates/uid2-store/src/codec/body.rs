//! The body of format 1: a record, field by field, integers little-endian.
//!
//! ```text
//! identity    0, refresh, dii, JSON of the identity
//!   refresh     0 (idle) | 2 (ended) | 3 (dormant) |
//!               4, failures u32, since i64, until i64 (back-off) |
//!               1, failures u32, until i64 (back-off of old, only read)
//!   dii         0 | 1, 32 bytes
//! opt-out     1, reason u8 (0 service, 1 publisher), at i64
//! logged out  2, at i64, until i64
//! ```

use std::sync::Arc;
use std::time::Duration;

use uid2_core::lifecycle::{OptOut, OptOutReason, Record, RefreshState, StoredIdentity};
use uid2_core::{Identity, Timestamp};

use crate::StoreError;

const IDENTITY: u8 = 0;
const OPT_OUT: u8 = 1;
const LOGGED_OUT: u8 = 2;

const IDLE: u8 = 0;
const OLD_BACKOFF: u8 = 1;
const ENDED: u8 = 2;
const DORMANT: u8 = 3;
const BACKOFF: u8 = 4;
/// The longest that a back-off of old can have been.
const OLD_PAUSE: Duration = Duration::from_secs(600);

const SERVICE: u8 = 0;
const PUBLISHER: u8 = 1;

pub(super) fn write(record: &Record, out: &mut Vec<u8>) -> Result<(), StoreError> {
    match record {
        Record::Identity(stored) => write_identity(stored, out),
        Record::OptOut(opt_out) => {
            out.push(OPT_OUT);
            out.push(match opt_out.reason {
                OptOutReason::Service => SERVICE,
                OptOutReason::Publisher => PUBLISHER,
                _ => return Err(StoreError::Unsupported("an opt-out with this reason")),
            });
            write_time(opt_out.at, out);
        }
        Record::LoggedOut { at, until } => {
            out.push(LOGGED_OUT);
            write_time(*at, out);
            write_time(*until, out);
        }
    }
    Ok(())
}

fn write_identity(stored: &StoredIdentity, out: &mut Vec<u8>) {
    out.push(IDENTITY);
    match stored.refresh {
        RefreshState::Idle => out.push(IDLE),
        RefreshState::Backoff {
            failures,
            since,
            until,
        } => {
            out.push(BACKOFF);
            out.extend_from_slice(&failures.to_le_bytes());
            write_time(since, out);
            write_time(until, out);
        }
        RefreshState::Ended => out.push(ENDED),
        RefreshState::Dormant => out.push(DORMANT),
    }
    out.push(u8::from(stored.dii.is_some()));
    out.extend_from_slice(stored.dii.as_ref().map_or(&[], |dii| dii.as_slice()));
    out.extend_from_slice(stored.identity.to_json().as_bytes());
}

fn write_time(time: Timestamp, out: &mut Vec<u8>) {
    out.extend_from_slice(&time.as_millis().to_le_bytes());
}

/// Takes only what `write` gives: anything else is damage.
pub(super) fn read(body: &[u8]) -> Result<Record, StoreError> {
    let mut reader = Reader(body);
    let record = reader.record().ok_or(StoreError::Damaged)?;
    if !reader.0.is_empty() {
        return Err(StoreError::Damaged);
    }
    Ok(record)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn record(&mut self) -> Option<Record> {
        match self.byte()? {
            IDENTITY => self.identity().map(Record::Identity),
            OPT_OUT => Some(Record::OptOut(OptOut {
                reason: match self.byte()? {
                    SERVICE => OptOutReason::Service,
                    PUBLISHER => OptOutReason::Publisher,
                    _ => return None,
                },
                at: self.time()?,
            })),
            LOGGED_OUT => Some(Record::LoggedOut {
                at: self.time()?,
                until: self.time()?,
            }),
            _ => None,
        }
    }

    fn identity(&mut self) -> Option<StoredIdentity> {
        let refresh = match self.byte()? {
            IDLE => RefreshState::Idle,
            BACKOFF => RefreshState::Backoff {
                failures: u32::from_le_bytes(self.take()?),
                since: self.time()?,
                until: self.time()?,
            },
            OLD_BACKOFF => {
                let failures = u32::from_le_bytes(self.take()?);
                let until = self.time()?;
                RefreshState::Backoff {
                    failures,
                    since: until.saturating_sub(OLD_PAUSE),
                    until,
                }
            }
            ENDED => RefreshState::Ended,
            DORMANT => RefreshState::Dormant,
            _ => return None,
        };
        let dii = match self.byte()? {
            0 => None,
            1 => Some(self.take()?),
            _ => return None,
        };
        let json = std::mem::take(&mut self.0);
        Some(StoredIdentity {
            identity: Arc::new(Identity::from_json(json).ok()?),
            refresh,
            dii,
        })
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.take()
            .map(|bytes| Timestamp::from_millis(i64::from_le_bytes(bytes)))
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn identity() -> Arc<Identity> {
        let json = br#"{"advertising_token":"A4","refresh_token":"R","refresh_from":1,
            "identity_expires":2,"refresh_expires":3,"of_the_future":[1, 2.50]}"#;
        Arc::new(Identity::from_json(json).unwrap())
    }

    fn records() -> impl Strategy<Value = Record> {
        let times = || any::<i64>().prop_map(Timestamp::from_millis);
        let refresh = prop_oneof![
            Just(RefreshState::Idle),
            Just(RefreshState::Ended),
            Just(RefreshState::Dormant),
            (any::<u32>(), times(), times()).prop_map(|(failures, since, until)| {
                RefreshState::Backoff {
                    failures,
                    since,
                    until,
                }
            }),
        ];
        let reasons = prop_oneof![Just(OptOutReason::Service), Just(OptOutReason::Publisher)];
        prop_oneof![
            (refresh, any::<Option<[u8; 32]>>()).prop_map(|(refresh, dii)| {
                Record::Identity(StoredIdentity {
                    identity: identity(),
                    refresh,
                    dii,
                })
            }),
            (reasons, times()).prop_map(|(reason, at)| Record::OptOut(OptOut { reason, at })),
            (times(), times()).prop_map(|(at, until)| Record::LoggedOut { at, until }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(record in records()) {
            let mut body = Vec::new();
            write(&record, &mut body).unwrap();
            prop_assert_eq!(read(&body).unwrap(), record);
        }

        #[test]
        fn every_truncation_and_every_addition_is_damage(record in records()) {
            let mut body = Vec::new();
            write(&record, &mut body).unwrap();
            for end in 0..body.len() {
                prop_assert!(matches!(read(&body[..end]), Err(StoreError::Damaged)));
            }
            body.push(b'x');
            prop_assert!(matches!(read(&body), Err(StoreError::Damaged)));
        }

        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }
    }
}
