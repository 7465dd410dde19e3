//! What became of the rows: counts, and where to look. No personal data.

use std::collections::BTreeMap;

use serde::Serialize;

/// Why a row was refused: words that scripts may depend on.
pub(crate) mod reason {
    pub(crate) const EMPTY_LINE: &str = "empty_line";
    pub(crate) const RAGGED: &str = "ragged";
    pub(crate) const TOO_LONG: &str = "row_too_long";
    pub(crate) const TOO_MANY_COLUMNS: &str = "too_many_columns";
    pub(crate) const UNCLOSED_QUOTE: &str = "unclosed_quote";
    pub(crate) const NOT_UTF8: &str = "not_utf8";
    pub(crate) const NOTHING: &str = "no_identity";
    pub(crate) const SEVERAL: &str = "several_identities";
    pub(crate) const NO_TOKEN: &str = "no_token";

    /// What a reason means and how to mend it.
    pub(crate) fn explain(reason: &str) -> Option<&'static str> {
        Some(match reason {
            EMPTY_LINE => "the line is empty",
            RAGGED => "more or fewer cells than the first row: is something not quoted?",
            TOO_LONG => "more than 256 KiB: is a quote not closed?",
            TOO_MANY_COLUMNS => "more than 4096 cells",
            UNCLOSED_QUOTE => "a quote that begins there is never closed",
            NOT_UTF8 => "the cell is not UTF-8: convert the file",
            NOTHING => "the cells for it are empty",
            SEVERAL => "more than one of address, number and hashes",
            NO_TOKEN => "the cell of the token is empty",
            "email_no_at" => "no '@'",
            "email_several_at" => "more than one '@'",
            "email_empty_local" => "nothing before the '@' once normalized",
            "email_empty_domain" => "nothing after the '@' once normalized",
            "phone_no_plus" => "does not begin with '+': E.164 is needed",
            "phone_not_a_digit" => "something else than digits after the '+': E.164 is needed",
            "phone_length" => "fewer than 10 or more than 15 digits",
            "invalid_hash" => "neither 44 characters of base64 nor 64 hex digits of a SHA-256",
            _ => return None,
        })
    }
}

/// How many lines are named for each reason.
const NAMED: usize = 5;

/// Counts of rows.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) rejected: u64,
    rejects: BTreeMap<String, Rejects>,
}

/// The rows that were refused for one reason.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Rejects {
    pub(crate) count: u64,
    /// The first of their lines.
    pub(crate) lines: Vec<u64>,
}

impl Tally {
    /// Counts a row, and why it was refused if it was.
    pub(crate) fn count(&mut self, line: u64, reason: Option<&str>) {
        self.rows += 1;
        let Some(reason) = reason else { return };
        self.rejected += 1;
        let rejects = match self.rejects.get_mut(reason) {
            Some(rejects) => rejects,
            None => self.rejects.entry(reason.to_owned()).or_default(),
        };
        rejects.count += 1;
        rejects.name(&[line]);
    }

    /// Adds the counts of rows that come after these.
    pub(crate) fn add(&mut self, later: Self) {
        self.rows += later.rows;
        self.rejected += later.rejected;
        for (reason, more) in later.rejects {
            let rejects = self.rejects.entry(reason).or_default();
            rejects.count += more.count;
            rejects.name(&more.lines);
        }
    }

    /// By reason.
    pub(crate) fn rejects(&self) -> impl Iterator<Item = (&str, &Rejects)> {
        self.rejects
            .iter()
            .map(|(reason, rejects)| (reason.as_str(), rejects))
    }
}

impl Rejects {
    fn name(&mut self, lines: &[u64]) {
        let room = NAMED.saturating_sub(self.lines.len());
        self.lines.extend(lines.iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_are_named_in_order() {
        let mut tally = Tally::default();
        for line in 1..4 {
            tally.count(line, Some(reason::RAGGED));
        }
        tally.count(4, None);
        let mut later = Tally::default();
        for line in 5..9 {
            later.count(line, Some(reason::RAGGED));
        }
        later.count(9, Some(reason::NOT_UTF8));
        tally.add(later);
        assert_eq!((tally.rows, tally.rejected), (9, 8));
        let rejects: Vec<_> = tally.rejects().collect();
        assert_eq!(rejects[0].0, reason::NOT_UTF8);
        assert_eq!(rejects[1].1.count, 7);
        assert_eq!(rejects[1].1.lines, [1, 2, 3, 5, 6]);
    }
}
