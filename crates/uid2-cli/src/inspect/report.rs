//! What there is to tell, in order.

use std::io::Write;

use serde_json::{Map, Value};
use uid2_core::{DiiKind, Scope, Timestamp};

use crate::output::print_json;

/// What something is, and what it says.
pub(super) struct Report {
    what: &'static str,
    fields: Vec<(&'static str, Field)>,
    notes: Vec<String>,
    pub(super) is_secret: bool,
}

enum Field {
    Value(Value),
    Within(Report),
}

impl Report {
    pub(super) const fn new(what: &'static str) -> Self {
        Self {
            what,
            fields: Vec::new(),
            notes: Vec::new(),
            is_secret: false,
        }
    }

    pub(super) const fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    pub(super) fn field(&mut self, name: &'static str, value: impl Into<Value>) {
        self.fields.push((name, Field::Value(value.into())));
    }

    /// A time, which people read as a date.
    pub(super) fn time(&mut self, name: &'static str, time: Timestamp) {
        self.field(name, time.as_millis());
    }

    pub(super) fn scope_and_kind(&mut self, scope: Option<Scope>, kind: Option<DiiKind>) {
        self.field("scope", scope.map(scope_name));
        self.field("kind", kind.map(kind_name));
    }

    pub(super) fn within(&mut self, name: &'static str, report: Self) {
        self.fields.push((name, Field::Within(report)));
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    pub(super) fn tell(&self, as_json: bool) {
        if as_json {
            let mut told = self.json();
            told.insert("status".into(), "success".into());
            print_json(&told);
            return;
        }
        let mut text = String::new();
        self.write(0, &mut text);
        // That nobody reads it is not worth a word.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }

    fn json(&self) -> Map<String, Value> {
        let mut told = Map::new();
        told.insert("what".into(), self.what.into());
        for (name, field) in &self.fields {
            let value = match field {
                Field::Value(value) => value.clone(),
                Field::Within(report) => Value::Object(report.json()),
            };
            told.insert((*name).into(), value);
        }
        let notes: Vec<Value> = self.notes.iter().map(|note| note.as_str().into()).collect();
        told.insert("notes".into(), notes.into());
        told
    }

    fn write(&self, depth: usize, text: &mut String) {
        text.push_str(&format!("{}\n", self.what.replace('_', " ")));
        let indent = "  ".repeat(depth + 1);
        for (name, field) in &self.fields {
            match field {
                Field::Within(report) if *name == report.what => {
                    text.push_str(&indent);
                    report.write(depth + 1, text);
                }
                Field::Within(report) => {
                    text.push_str(&format!("{indent}{name}: "));
                    report.write(depth + 1, text);
                }
                Field::Value(value) => {
                    let shown = shown(name, value);
                    text.push_str(&format!("{indent}{name:<20} {shown}\n"));
                }
            }
        }
        for note in &self.notes {
            text.push_str(&format!("{indent}note: {note}\n"));
        }
    }
}

fn shown(name: &str, value: &Value) -> String {
    match (value, value.as_i64()) {
        (Value::Null, _) => "not told".into(),
        (Value::String(text), _) => text.clone(),
        (_, Some(millis)) if TIMES.contains(&name) => {
            let time = Timestamp::from_millis(millis);
            format!("{} ({millis})", crate::clock::date(time))
        }
        _ => value.to_string(),
    }
}

/// The fields that are milliseconds since 1970.
const TIMES: [&str; 7] = [
    "created",
    "established",
    "expires",
    "identity_expires",
    "refresh_expires",
    "refresh_from",
    "refreshed",
];

pub(super) const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Uid2 => "UID2",
        Scope::Euid => "EUID",
    }
}

const fn kind_name(kind: DiiKind) -> &'static str {
    match kind {
        DiiKind::Email => "email",
        DiiKind::Phone => "phone",
    }
}
