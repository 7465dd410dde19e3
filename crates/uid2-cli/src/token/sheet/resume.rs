//! The output: begun, or gone on with.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::checkpoint::Checkpoint;
use super::question::Plan;
use crate::csv::{Batch, Opened, Row, Rows, Tally};
use crate::failure::Failure;

/// An output, and what its rows say.
pub(super) struct Written {
    pub(super) file: File,
    pub(super) tally: Tally,
    pub(super) matching: u64,
    pub(super) others: u64,
}

impl Written {
    fn new(file: File) -> Self {
        Self {
            file,
            tally: Tally::default(),
            matching: 0,
            others: 0,
        }
    }

    /// A new one, with the names of its columns.
    pub(super) fn begin<R>(file: File, plan: &Plan, opened: &Opened<R>) -> Result<Self, Failure> {
        let mut written = Self::new(file);
        if let Some(names) = opened
            .header
            .as_ref()
            .and_then(|header| header.rows().next())
        {
            let header = plan.write_header(names);
            let result = header.and_then(|header| written.file.write_all(&header));
            result.map_err(|error| Failure::said("io", format!("stopped: {error}")))?;
        }
        Ok(written)
    }

    /// Counts a row by what was written for it.
    pub(super) fn count(&mut self, line: u64, valid: &str, error: &str) {
        match valid {
            "true" => self.matching += 1,
            "false" => self.others += 1,
            _ => {}
        }
        self.tally.count(line, (!error.is_empty()).then_some(error));
    }
}

/// Opens an output again: counts its complete rows, passes over as many of the
/// input, and cuts off what was not written to its end.
pub(super) fn go_on<R: Read>(
    path: &Path,
    beside: &Path,
    checkpoint: &Checkpoint,
    plan: &Plan,
    opened: &mut Opened<R>,
) -> Result<Written, Failure> {
    checkpoint.check(beside)?;
    read_back(path, plan, opened).map_err(|error| {
        let message = format!("cannot go on with {}: {error}", path.display());
        Failure::said("resume_mismatch", message)
    })
}

fn read_back<R: Read>(path: &Path, plan: &Plan, opened: &mut Opened<R>) -> io::Result<Written> {
    let file = File::options().read(true).write(true).open(path)?;
    let mut rows = Rows::new(file.try_clone()?, plan.delimiter)?;
    let mut written = Written::new(file);
    let mut complete = 0;
    let mut header = plan.header;
    let mut passed = 0;
    loop {
        let mut output = Batch::default();
        if !rows.read(&mut output)? || !rows.ended_whole() {
            break;
        }
        let Some(row) = output.rows().next() else {
            break;
        };
        complete = rows.taken();
        if std::mem::take(&mut header) {
            continue;
        }
        let (valid, error) = verdict(row).ok_or_else(|| other("it has rows of another form"))?;
        let line = pass_over(opened, passed)?;
        passed += 1;
        written.count(line, valid, error);
    }
    opened.first = opened.first.without(passed);
    if header {
        // Not even that was written.
        complete = 0;
    }
    written.file.set_len(complete)?;
    written.file.seek(SeekFrom::Start(complete))?;
    if header
        && let Some(names) = opened
            .header
            .as_ref()
            .and_then(|header| header.rows().next())
    {
        written.file.write_all(&plan.write_header(names)?)?;
    }
    Ok(written)
}

/// The last two cells, if they are what we write: what they say is told, so nothing
/// else may come from there.
fn verdict(row: Row<'_>) -> Option<(&str, &str)> {
    const LONGEST_WORD: usize = 40;
    let cell = |back: usize| {
        let cell = row.cell(row.len().checked_sub(back)?)?;
        std::str::from_utf8(cell).ok()
    };
    let is_word = |text: &str| {
        let of_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte == b'8';
        (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(of_word)
    };
    match (row.problem, cell(2)?, cell(1)?) {
        (None, valid @ ("true" | "false"), "") => Some((valid, "")),
        (None, "", error) if is_word(error) => Some(("", error)),
        _ => None,
    }
}

/// The line of the next row of the input, which is done.
fn pass_over<R: Read>(opened: &mut Opened<R>, passed: usize) -> io::Result<u64> {
    if let Some(row) = opened.first.rows().nth(passed) {
        return Ok(row.line);
    }
    let mut batch = Batch::default();
    match opened.rows.read(&mut batch)? {
        true => Ok(batch.rows().next().map_or(0, |row| row.line)),
        false => Err(other("it has more rows than the CSV file")),
    }
}

fn other(message: &str) -> io::Error {
    io::Error::other(message.to_owned())
}
