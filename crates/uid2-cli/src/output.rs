//! Writing JSON and messages, one line each.

use std::error::Error;
use std::io::{self, Write};

use serde::Serialize;

/// Writes a value as one line of JSON to stdout. That nobody reads it, as when
/// a pipe has been closed, is not worth a word.
pub(crate) fn print_json(value: &impl Serialize) {
    let mut stdout = io::stdout().lock();
    let _ = write_json(&mut stdout, value).and_then(|()| stdout.flush());
}

/// Writes a value as one line of JSON.
pub(crate) fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// An error and everything that caused it, in one line.
pub(crate) fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_in_order() {
        let error = uid2_http::TransportError::new(uid2_http::TransportErrorKind::Reset)
            .with_source(io::Error::other("the cable is cut"));
        assert_eq!(
            in_full(&error),
            "the connection broke before the response was complete: the cable is cut"
        );
    }
}
