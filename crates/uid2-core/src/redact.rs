//! What others wrote, made fit for errors and logs.

use alloc::boxed::Box;
use alloc::string::String;

/// Longest message kept of what the operator says.
const MAX_MESSAGE: usize = 300;
/// Runs of this many base64 characters may be a key, a hash or a token.
const LONG_RUN: usize = 32;
/// Words of this many characters in a URL may be, too.
const LONG_WORD: usize = 20;
/// Runs of this many digits may be a phone number.
const LONG_NUMBER: usize = 10;

/// A message of the operator with everything cut out that may be personal or
/// secret, control characters blanked, and a bounded length.
///
/// The operator's own messages are fixed texts; but a proxy or a future version
/// may echo what it was sent, and an error ends up in somebody's log.
pub(crate) fn scrub(message: &str) -> Box<str> {
    let mut clean = String::with_capacity(message.len().min(MAX_MESSAGE));
    for word in message.split_inclusive(char::is_whitespace) {
        if clean.len() + word.len() > MAX_MESSAGE {
            clean.push('…');
            break;
        }
        if is_telling(word) {
            clean.push_str("<redacted> ");
        } else {
            clean.extend(word.chars().map(|c| if c.is_control() { ' ' } else { c }));
        }
    }
    clean.trim_end().into()
}

fn is_telling(word: &str) -> bool {
    ["@", "%40", "&#64;"].iter().any(|at| word.contains(at))
        || longest_run(word, |byte| byte.is_ascii_digit()) >= LONG_NUMBER
        || if word.contains("://") {
            // A URL is long by nature, but its words are not.
            word.contains('?') || longest_run(word, is_of_a_word) >= LONG_WORD
        } else {
            longest_run(word, is_base64) >= LONG_RUN
        }
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=' | b'%')
}

const fn is_of_a_word(byte: u8) -> bool {
    is_base64(byte) && !matches!(byte, b'/' | b'-')
}

fn longest_run(word: &str, belongs: impl Fn(u8) -> bool) -> usize {
    word.as_bytes()
        .split(|byte| !belongs(*byte))
        .map(<[u8]>::len)
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_own_messages_survive() {
        let docs = "Invalid body: Check encryption key (ClientSecret). See https://unifiedid.com/docs/getting-started/gs-encryption-decryption for details on the request envelope format.";
        let examples = "See https://unifiedid.com/docs/getting-started/gs-encryption-decryption#encryption-and-decryption-code-examples for encryption and decryption code examples.";
        for message in [
            docs,
            examples,
            "Invalid Identifier",
            "Expired Token presented",
        ] {
            assert_eq!(&*scrub(message), message);
        }
    }

    #[test]
    fn what_may_be_personal_or_secret_does_not() {
        for (message, clean) in [
            ("bad user jane@example.com!", "bad user <redacted>"),
            ("bad number +12345678901", "bad number <redacted>"),
            (
                "Invalid Token presented AAAAAGbMPMrKmInqs4AOeH4EQqCGohr3dLlQed0c9EZu",
                "Invalid Token presented <redacted>",
            ),
            (
                "hash=tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ= seen",
                "<redacted> seen",
            ),
            ("GET https://x.example/?q=secret", "GET <redacted>"),
            (
                "GET https://x.example/tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw",
                "GET <redacted>",
            ),
            ("who=jane%40example.com", "<redacted>"),
            ("line\u{7}\nbreak", "line  break"),
        ] {
            assert_eq!(&*scrub(message), clean);
        }
    }

    #[test]
    fn length_is_bounded() {
        assert!(scrub(&"word ".repeat(10_000)).len() <= MAX_MESSAGE + '…'.len_utf8());
        assert!(scrub(&"!".repeat(10_000)).len() <= '…'.len_utf8());
    }
}
