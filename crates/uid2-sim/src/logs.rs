//! Listens to everything that is logged, for anything that must not be.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Every user of the simulation has an address here.
pub const DOMAIN: &str = "@people.example";
/// Hashes have 44 characters of base64, keys as many, tokens more.
const LONGEST_RUN: usize = 40;

const MANUAL: &str = "https://unifiedid.com/docs/";

/// A layer that hands everything that is logged to a listener: each span and
/// event, at every level, as a line with its target and all its fields, errors
/// with their causes.
pub struct Ear<F>(pub F);

impl<F: Fn(&str)> Ear<F> {
    fn listen(&self, metadata: Option<&Metadata<'_>>, record: impl FnOnce(&mut Line)) {
        let mut line = Line(String::new());
        if let Some(metadata) = metadata {
            // Writing to a string does not fail.
            let _ = write!(line.0, "{} {}", metadata.target(), metadata.name());
        }
        record(&mut line);
        (self.0)(&line.0);
    }
}

impl<F, S> Layer<S> for Ear<F>
where
    F: Fn(&str) + 'static,
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.listen(Some(attributes.metadata()), |line| attributes.record(line));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.listen(None, |line| values.record(line));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // The name of an event is its place in the source, a path.
        self.listen(None, |line| {
            let _ = write!(line.0, "{}", event.metadata().target());
            event.record(line);
        });
    }
}

impl<F> fmt::Debug for Ear<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ear")
    }
}

/// What is wrong with a line of log, if anything.
#[must_use]
pub fn telling(line: &str) -> Option<String> {
    if line.contains(DOMAIN) {
        return Some("an e-mail address was logged".into());
    }
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    // The service points to its documentation in some of its messages.
    let words = line.split_whitespace().filter(|it| !it.starts_with(MANUAL));
    let runs = words.flat_map(|word| word.as_bytes().split(|byte| !base64(byte)));
    (runs.map(<[u8]>::len).max().unwrap_or_default() >= LONGEST_RUN)
        .then(|| "a hash, a key or a token was logged".into())
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
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
