//! What a process tells of itself, and what it must not.

use std::error::Error;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use uid2_core::{Dii, Identity};
use uid2_sim::logs::telling;

/// Everything that was told: logged, said by an error, shown by `Debug`, counted.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    pub fn note(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }

    pub fn debug(&self, value: &dyn Debug) {
        self.note(&format!("shown: {value:?} {value:#?}"));
    }

    /// An error as the most thorough log would have it.
    pub fn error(&self, error: &(dyn Error + 'static)) {
        let mut line = format!("said: {error} {error:?}");
        let mut next = error.source();
        while let Some(cause) = next {
            write!(line, ": {cause} {cause:?}").unwrap();
            next = cause.source();
        }
        self.note(&line);
    }

    /// What came of a call, whichever.
    pub fn result<T: Debug, E: Error + 'static>(&self, result: &Result<T, E>) {
        match result {
            Ok(value) => self.debug(value),
            Err(error) => self.error(error),
        }
    }

    /// All of it; from now on there is nothing.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// What must not be told, in the forms in which it could be.
#[derive(Default)]
pub struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    /// A text: as it stands, and its ends, lest it be shown cut short.
    pub fn text(&mut self, what: &'static str, text: &str) {
        const END: usize = 16;
        assert!(text.len() >= 8, "{what} is too short to be looked for");
        self.0.push((what, text.to_owned()));
        if text.len() >= 2 * END && text.is_ascii() {
            self.0.push((what, text[..END].to_owned()));
            self.0.push((what, text[text.len() - END..].to_owned()));
        }
    }

    /// Bytes: in base64, in hex, and as `Debug` shows them.
    pub fn bytes(&mut self, what: &'static str, bytes: &[u8]) {
        self.text(what, &STANDARD.encode(bytes));
        self.text(what, &STANDARD_NO_PAD.encode(bytes));
        self.text(what, &URL_SAFE_NO_PAD.encode(bytes));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.text(what, &hex.to_uppercase());
        self.text(what, &hex);
        let list = format!("{bytes:?}");
        self.text(what, list.trim_matches(['[', ']']));
        // As `{:#?}` has it.
        let column: Vec<String> = bytes[..4].iter().map(|byte| format!("{byte},")).collect();
        self.0.push((what, column.join("\n")));
    }

    /// A person: what was typed in, what it becomes, and its hash.
    pub fn person(&mut self, typed: &str, dii: &Dii) {
        self.text("what a person typed", typed);
        self.text("the digits or letters of it", typed.trim_start_matches('+'));
        match dii {
            Dii::Email(email) => self.text("an address", email.as_str()),
            Dii::Phone(phone) => self.text("a number", phone.as_str()),
            _ => {}
        }
        self.bytes("the hash of a person", &dii.hash_bytes());
    }

    pub fn identity(&mut self, json: &str) {
        let identity = Identity::from_json(json.as_bytes()).unwrap();
        self.text("advertising token", identity.advertising_token().as_str());
        self.text("refresh token", identity.refresh_token().expose());
        let key = identity.refresh_response_key().unwrap().expose_base64();
        self.bytes("response key", &STANDARD.decode(key.as_bytes()).unwrap());
    }

    /// What is wrong with a line, if anything.
    pub fn in_line(&self, line: &str) -> Option<String> {
        let known = self.0.iter().find(|(_, secret)| line.contains(secret));
        // And what nobody knew to look for.
        known
            .map(|(what, _)| (*what).to_owned())
            .or_else(|| telling(line))
    }
}
