//! What is told at the end: counts, reasons and line numbers. No personal data.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::tally::{Rejects, Tally, reason};
use crate::exit::Exit;
use crate::output::{print_json, write_json};

/// What became of a file.
pub(crate) struct Summary {
    pub(crate) tally: Tally,
    /// What has been done to the rows that were not refused, e.g. "hashed".
    pub(crate) verb: &'static str,
    /// What else there is to tell.
    pub(crate) more: Vec<(&'static str, u64)>,
}

impl Summary {
    pub(crate) const fn exit(&self) -> Exit {
        match self.tally.rejected {
            0 => Exit::Success,
            _ => Exit::Failure,
        }
    }

    /// Tells it: on stderr, or as JSON on whichever of the two has no rows.
    pub(crate) fn tell(&self, as_json: bool, rows_on_stdout: bool) {
        // That nobody reads it is not worth a word.
        let _ = match (as_json, rows_on_stdout) {
            (true, false) => {
                print_json(&self.json());
                Ok(())
            }
            (true, true) => write_json(&mut io::stderr().lock(), &self.json()),
            (false, _) => io::stderr().lock().write_all(self.text().as_bytes()),
        };
    }

    fn done(&self) -> u64 {
        self.tally.rows - self.tally.rejected
    }

    fn text(&self) -> String {
        let Tally { rows, rejected, .. } = self.tally;
        let mut text = format!(
            "{rows} rows: {} {}, {rejected} refused\n",
            self.done(),
            self.verb
        );
        for (name, count) in &self.more {
            let _ = writeln!(text, "  {count} {name}");
        }
        for (reason, rejects) in self.tally.rejects() {
            let _ = writeln!(text, "  {:>8}  {reason}: {}", rejects.count, lines(rejects));
            if let Some(why) = reason::explain(reason) {
                let _ = writeln!(text, "            {why}");
            }
        }
        text
    }

    fn json(&self) -> Value {
        let rejects: Vec<Value> = self
            .tally
            .rejects()
            .map(|(reason, rejects)| {
                json!({"reason": reason, "count": rejects.count, "first_lines": rejects.lines})
            })
            .collect();
        let status = match self.tally.rejected {
            0 => "success",
            _ => "incomplete",
        };
        let mut told = Map::new();
        told.insert("status".into(), status.into());
        told.insert("rows".into(), self.tally.rows.into());
        told.insert(self.verb.into(), self.done().into());
        for (name, count) in &self.more {
            told.insert((*name).into(), (*count).into());
        }
        told.insert("rejected".into(), self.tally.rejected.into());
        told.insert("rejects".into(), rejects.into());
        Value::Object(told)
    }
}

fn lines(rejects: &Rejects) -> String {
    let shown: Vec<String> = rejects.lines.iter().map(u64::to_string).collect();
    let word = match rejects.count {
        1 => "line",
        _ => "lines",
    };
    let more = match rejects.count > rejects.lines.len() as u64 {
        true => ", …",
        false => "",
    };
    format!("{word} {}{more}", shown.join(", "))
}
