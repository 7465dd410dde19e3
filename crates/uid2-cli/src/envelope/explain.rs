//! Why an envelope does not open, with what the operator says of such a one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uid2_core::envelope::EnvelopeError;

use crate::failure::Failure;

/// What it should be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Request,
    Response,
    Refresh,
}

/// A refusal that says what to look for. Repeats nothing of the body.
pub(super) fn refusal(error: &EnvelopeError, body: &[u8], expected: Expected) -> Failure {
    let (kind, operator) = match error {
        EnvelopeError::NotBase64 => ("not_base64", "Invalid body: Body is not valid base64."),
        EnvelopeError::TooShort { .. } => (
            "too_short",
            "Invalid body: Body too short. Check encryption method.",
        ),
        EnvelopeError::Version { .. } => (
            "wrong_version",
            "Invalid body: Invalid request envelope format version: received …, must be 1.",
        ),
        EnvelopeError::Decrypt => (
            "does_not_open",
            "Invalid body: Check encryption key (ClientSecret).",
        ),
        EnvelopeError::NonceMismatch => ("nonce_mismatch", ""),
        _ => ("does_not_open", ""),
    };
    let mut message = error.to_string();
    if let Some(hint) = hint(error, body, expected) {
        message.push_str("; ");
        message.push_str(hint);
    }
    if expected == Expected::Request && !operator.is_empty() {
        message.push_str("; the operator would say '");
        message.push_str(operator);
        message.push('\'');
    }
    Failure::said(kind, message)
}

fn hint(error: &EnvelopeError, body: &[u8], expected: Expected) -> Option<&'static str> {
    let first = body.trim_ascii_start().first();
    match (error, expected) {
        (_, _) if body.trim_ascii().is_empty() => Some("stdin is empty"),
        (_, _) if first == Some(&b'<') => {
            Some("it is a web page: was something else than an operator asked?")
        }
        (_, Expected::Request) if first == Some(&b'{') => {
            Some("it is JSON that nobody has sealed: `uid2 envelope seal` does")
        }
        (_, _) if first == Some(&b'{') => Some(
            "it is plain JSON: refusals are not sealed, and neither is any answer of an \
             operator without encryption",
        ),
        (EnvelopeError::NotBase64, _) => Some(not_base64(body)),
        (EnvelopeError::Decrypt, Expected::Response) if begins_with_version(body) => {
            Some("it may be a request, which begins with the byte 1: try --request")
        }
        (EnvelopeError::Decrypt, Expected::Response) => Some(
            "is the secret that of the API key that was sent? An answer to /v2/token/refresh \
             opens with --refresh and the refresh_response_key",
        ),
        (EnvelopeError::Decrypt, Expected::Refresh) => Some(
            "the key must be that of the identity whose refresh token was sent, not of the \
             new one",
        ),
        (EnvelopeError::Decrypt, Expected::Request) => Some(
            "check in this order: the secret in its 32 bytes (base64-decoded), a 12-byte IV \
             that stands before the ciphertext, the 16-byte tag behind it, no associated data",
        ),
        (EnvelopeError::Version { .. }, _) => Some(
            "a request begins with the byte 1, unencrypted; a response does not: omit --request",
        ),
        _ => None,
    }
}

fn not_base64(body: &[u8]) -> &'static str {
    let has = |what: &[u8]| body.iter().any(|byte| what.contains(byte));
    if has(b"\r\n \t") {
        "it has white space or line breaks within: encode without wrapping (base64 -w0)"
    } else if has(b"-_") {
        "it is URL-safe base64: the service wants the standard alphabet with '+' and '/'"
    } else if has(b"%") {
        "it is URL-encoded: send it as text/plain, not as a form"
    } else if body.iter().any(|byte| !byte.is_ascii_graphic()) {
        "it is binary: give --binary"
    } else if !body.len().is_multiple_of(4) {
        "its length is no multiple of 4: was it cut off, or its padding?"
    } else {
        "it has a character that base64 does not have"
    }
}

/// Whether it could be a request.
fn begins_with_version(body: &[u8]) -> bool {
    let head = body.get(..4).and_then(|head| STANDARD.decode(head).ok());
    body.first() == Some(&1) || head.is_some_and(|head| head.first() == Some(&1))
}

/// What the operator says of a request of this age (protocol, section 4).
pub(super) fn drift(age_millis: i64) -> Option<&'static str> {
    let accepted = -119_000..120_000;
    (!accepted.contains(&age_millis)).then_some(
        "by its timestamp the operator would refuse it now, with 'Invalid timestamp: Request \
         too old or client time drift.'",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints() {
        for (body, says) in [
            (&b""[..], "empty"),
            (b"<html>", "web page"),
            (b"{\"status\":\"client_error\"}", "not sealed"),
            (b"AAAA\nAAAA", "wrapping"),
            (b"AA-_AAAA", "URL-safe"),
            (b"AAAA%2BAA", "URL-encoded"),
            (b"AAAAA", "multiple of 4"),
            (b"\x01\x02\xff", "--binary"),
        ] {
            let failure = refusal(&EnvelopeError::NotBase64, body, Expected::Response);
            assert!(failure.message.contains(says), "{}", failure.message);
        }
        let request = refusal(&EnvelopeError::Decrypt, b"AAAA", Expected::Request);
        assert!(request.message.contains("Check encryption key"));
    }

    #[test]
    fn drift_is_as_the_operator_has_it() {
        assert!(drift(119_999).is_none() && drift(120_000).is_some());
        assert!(drift(-119_000).is_none() && drift(-119_001).is_some());
    }
}
