//! Opening a file: what divides its cells, and which of its columns hold what.

use std::io::Read;

use super::batch::Batch;
use super::columns::{Chosen, Column, Kind};
use super::options::CsvOptions;
use super::rows::Rows;
use super::tally::reason;
use crate::failure::Failure;

/// How many rows are looked at, at most, to find out what they hold.
const SAMPLE: usize = 100;
/// … and how many bytes of them.
const SAMPLE_BYTES: usize = super::MAX_ROW;

/// A CSV file whose columns are known.
pub(crate) struct Opened<R> {
    pub(crate) rows: Rows<R>,
    pub(crate) delimiter: u8,
    /// The row of names, if there is one.
    pub(crate) header: Option<Batch>,
    /// Rows that were looked at, and are to be worked on first.
    pub(crate) first: Batch,
    pub(crate) columns: Vec<Chosen>,
    /// How many cells each row must have.
    pub(crate) width: usize,
}

/// Opens it: only as much is read as must be to know the columns.
pub(crate) fn open<R: Read>(
    input: R,
    options: &CsvOptions,
    kinds: &'static [Kind],
    others: impl IntoIterator<Item = (Kind, Option<Column>)>,
) -> Result<Opened<R>, Failure> {
    let unreadable = |error: std::io::Error| {
        let kind = match error.kind() {
            std::io::ErrorKind::InvalidData => "not_utf8",
            _ => "unreadable_file",
        };
        Failure::said(kind, format!("cannot read the CSV file: {error}"))
    };
    let wanted = options.wanted(kinds, others);
    let mut rows = Rows::new(input, options.delimiter.unwrap_or(b',')).map_err(unreadable)?;
    let delimiter = options.delimiter.unwrap_or_else(|| divider(rows.ahead()));
    rows.divide_by(delimiter);
    let mut sample = Batch::default();
    rows.read(&mut sample).map_err(unreadable)?;
    let Some(first) = sample.rows().next() else {
        return Err(Failure::said("empty_file", "the CSV file is empty"));
    };
    if let Some(problem) = first.problem {
        let why = reason::explain(problem).unwrap_or(problem);
        let message = format!("the first row of the CSV file cannot be read: {why}");
        return Err(Failure::said(problem, message));
    }
    let width = first.len();
    let mut layout = wanted.decide_by_header(first)?;
    if layout.is_none() {
        while sample.len() < SAMPLE && sample.bytes() < SAMPLE_BYTES {
            if !rows.read(&mut sample).map_err(unreadable)? {
                break;
            }
        }
        layout = Some(wanted.decide_by_contents(&sample)?);
    }
    let layout = layout.ok_or_else(|| Failure::usage("no column was recognized"))?;
    let mut header = None;
    if layout.header {
        let (names, others) = sample.split_first();
        header = Some(names);
        sample = others;
    }
    Ok(Opened {
        rows,
        delimiter,
        header,
        first: sample,
        columns: layout.columns,
        width,
    })
}

/// What the first line, quoted cells left out, has more of than commas.
fn divider(ahead: &[u8]) -> u8 {
    let (mut commas, mut semicolons, mut tabs) = (0, 0, 0);
    let mut quoted = false;
    for byte in ahead {
        match byte {
            b'\n' | b'\r' => break,
            b'"' => quoted = !quoted,
            b',' if !quoted => commas += 1,
            b';' if !quoted => semicolons += 1,
            b'\t' if !quoted => tabs += 1,
            _ => {}
        }
    }
    match commas.max(semicolons).max(tabs) {
        most if most == commas => b',',
        most if most == semicolons => b';',
        _ => b'\t',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_divides() {
        for (line, delimiter) in [
            ("email", b','),
            ("", b','),
            ("a,b;c", b','),
            ("a;b;c,d\n,,,,,,", b';'),
            ("a\tb\tc;d", b'\t'),
            ("\"a;b;c;d\",e", b','),
        ] {
            assert_eq!(divider(line.as_bytes()), delimiter, "{line}");
        }
    }
}
