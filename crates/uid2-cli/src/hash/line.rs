//! One line of JSON in.

use std::borrow::Cow;
use std::str;

use serde::Deserialize;

use super::outcome::Outcome;

/// What is to be hashed, as a line says it.
#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow, default)]
    email: Option<Text<'a>>,
    #[serde(borrow, default)]
    phone: Option<Text<'a>>,
}

/// `Cow<str>` that borrows where nothing is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Why a line says nothing that could be hashed. Tells nothing of the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LineError {
    TooLong,
    NotUtf8,
    Empty,
    NotJson { column: usize },
    NotAnInput,
    Neither,
    Both,
}

impl std::fmt::Display for LineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const EXPECTED: &str = r#"expected {"email": "…"} or {"phone": "…"}"#;
        match self {
            Self::TooLong => {
                let max = super::jsonl::MAX_LINE;
                write!(f, "the line is longer than {max} bytes: {EXPECTED}")
            }
            Self::NotUtf8 => f.write_str("the line is not UTF-8: convert the input first"),
            Self::Empty => write!(f, "the line is empty: {EXPECTED}"),
            Self::NotJson { column } => {
                write!(
                    f,
                    "the line is not JSON from column {column} on: {EXPECTED}"
                )
            }
            Self::NotAnInput => write!(f, "the line is JSON of another form: {EXPECTED}"),
            Self::Neither => write!(
                f,
                "neither an e-mail address nor a phone number: {EXPECTED}"
            ),
            Self::Both => write!(f, "both an e-mail address and a phone number: {EXPECTED}"),
        }
    }
}

/// Normalizes and hashes what a line says.
pub(super) fn hash(line: &[u8]) -> Outcome {
    match read(line) {
        Ok(Input {
            email: Some(_),
            phone: Some(_),
        }) => Outcome::error(&LineError::Both),
        Ok(Input {
            email: Some(email), ..
        }) => Outcome::of_email(&email.0),
        Ok(Input {
            phone: Some(phone), ..
        }) => Outcome::of_phone(&phone.0),
        Ok(Input { .. }) => Outcome::error(&LineError::Neither),
        Err(error) => Outcome::error(&error),
    }
}

fn read(line: &[u8]) -> Result<Input<'_>, LineError> {
    let text = str::from_utf8(line).map_err(|_| LineError::NotUtf8)?.trim();
    if text.is_empty() {
        return Err(LineError::Empty);
    }
    // Serde would take `["user@example.com"]` for the same.
    let is_object = text.starts_with('{');
    match serde_json::from_str(text) {
        Ok(input) if is_object => Ok(input),
        Err(error) if !error.is_data() => Err(LineError::NotJson {
            column: error.column(),
        }),
        _ => Err(LineError::NotAnInput),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: &[u8]) -> String {
        match hash(line) {
            Outcome::Error(error) => error,
            _ => panic!("hashed: {}", String::from_utf8_lossy(line)),
        }
    }

    fn normalized(line: &str) -> String {
        match hash(line.as_bytes()) {
            Outcome::Email(email) => email.as_str().to_owned(),
            Outcome::Phone(phone) => phone.as_str().to_owned(),
            Outcome::Error(error) => panic!("{line}: {error}"),
        }
    }

    #[test]
    fn null_is_absent_and_other_members_are_ignored() {
        for line in [
            r#"{"email":"A@b.c"}"#,
            r#"{"email":"\u0041@b.c","phone":null}"#,
            " { \"id\" : [7, {\"x\": 1}] , \"email\" : \"A@b.c\" }\r\n",
        ] {
            assert_eq!(normalized(line), "a@b.c");
        }
        assert_eq!(
            normalized(r#"{"phone":"+12025550123","email":null}"#),
            "+12025550123"
        );
    }

    #[test]
    fn what_is_not_such_an_object_says_why() {
        for (line, expected) in [
            (&b""[..], LineError::Empty),
            (b" \t\r\n", LineError::Empty),
            (b"{}", LineError::Neither),
            (br#"{"email":null}"#, LineError::Neither),
            (br#"{"mail":"a@b.c"}"#, LineError::Neither),
            (
                br#"{"email":"a@b.c","phone":"+12025550123"}"#,
                LineError::Both,
            ),
            (
                br#"{"email":"a@b.c","email":"a@b.c"}"#,
                LineError::NotAnInput,
            ),
            (br#"{"email":7}"#, LineError::NotAnInput),
            (br#"["a@b.c"]"#, LineError::NotAnInput),
            (br#""a@b.c""#, LineError::NotAnInput),
            (b"7", LineError::NotAnInput),
            (br#"{"email":"a@b.c""#, LineError::NotJson { column: 16 }),
            (
                br#"{"email":"a@b.c"} {}"#,
                LineError::NotJson { column: 19 },
            ),
            (
                br#"{"email":"\ud800@b.c"}"#,
                LineError::NotJson { column: 17 },
            ),
            (b"a@b.c", LineError::NotJson { column: 1 }),
            (b"{\"email\":\"\xff@b.c\"}", LineError::NotUtf8),
        ] {
            assert_eq!(
                error(line),
                expected.to_string(),
                "{}",
                String::from_utf8_lossy(line)
            );
        }
    }

    #[test]
    fn no_error_tells_what_was_in_the_line() {
        for line in [
            &br#"{"email":"jane.at.example"}"#[..],
            br#"{"email":["jane@example.com"]}"#,
            br#"{"phone":"jane 555"}"#,
            b"jane@example.com",
        ] {
            let error = error(line);
            assert!(!error.contains("jane") && !error.contains("555"), "{error}");
        }
    }
}
