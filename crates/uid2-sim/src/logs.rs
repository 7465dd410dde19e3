//! Listens to everything that is logged, for anything that must not be.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::ledger::Ledger;
use crate::runtime::Sim;

/// Every user of the simulation has an address here.
pub const DOMAIN: &str = "@people.example";
/// Hashes have 44 characters of base64, keys as many, tokens more.
const LONGEST_RUN: usize = 40;

/// A layer that looks into every span and event.
#[derive(Debug)]
pub struct Eavesdropper {
    /// Who is told.
    pub ledger: Ledger,
    /// Time.
    pub sim: Sim,
}

impl Eavesdropper {
    fn listen(&self, record: impl FnOnce(&mut Line)) {
        let mut line = Line(String::new());
        record(&mut line);
        if let Some(what) = telling(&line.0) {
            self.ledger.violate(self.sim.passed(), what);
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Eavesdropper {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.listen(|line| attributes.record(line));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.listen(|line| values.record(line));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.listen(|line| event.record(line));
    }
}

/// What is wrong with a line of log, if anything.
#[must_use]
pub fn telling(line: &str) -> Option<String> {
    if line.contains(DOMAIN) {
        return Some("an e-mail address was logged".into());
    }
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let longest = line.as_bytes().split(|byte| !base64(byte)).map(<[u8]>::len);
    (longest.max().unwrap_or_default() >= LONGEST_RUN)
        .then(|| "a hash, a key or a token was logged".into())
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = write!(self.0, " {}: {value:?}", field.name());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut next: Option<&dyn std::error::Error> = Some(value);
        while let Some(error) = next {
            let _ = write!(self.0, " {}: {error} {error:?}", field.name());
            next = error.source();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_logged_is_noticed() {
        for line in [
            "user=user-1@people.example",
            "hash tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=",
            "secret DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=",
        ] {
            assert!(telling(line).is_some(), "{line}");
        }
        assert_eq!(
            telling("generate failed after 3 attempts, http_status=503"),
            None
        );
    }
}
