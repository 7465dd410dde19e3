//! Reading rows, with a bound on what one may take.

use std::io::{self, Read};

use csv_core::ReadRecordResult;

use super::batch::Batch;
use super::tally::reason;
use super::{MAX_COLUMNS, MAX_ROW};

const BUFFER: usize = 256 * 1024;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads the rows of a CSV file, one after the other.
///
/// The rules are those of the `csv` crate: `\n`, `\r\n` and `\r` end a row, a cell
/// that begins with a quote goes to the next quote that is not doubled. What that
/// crate passes over in silence is told here: empty lines, a quote that is not
/// closed; and a row that takes more than [`MAX_ROW`] bytes or [`MAX_COLUMNS`]
/// cells is skipped to its end and told of, in constant memory.
pub(crate) struct Rows<R> {
    input: R,
    parser: csv_core::Reader,
    buffer: Vec<u8>,
    /// What of `buffer` was read and not yet taken.
    pending: std::ops::Range<usize>,
    cells: Vec<u8>,
    ends: Vec<usize>,
    /// The last row ended in `\r`, so a `\n` that follows belongs to it.
    after_carriage_return: bool,
    /// Bytes that were taken.
    taken: u64,
    ended_whole: bool,
    at_end: bool,
}

/// How far a row has come.
#[derive(Default)]
struct Progress {
    begun: bool,
    cells: usize,
    ends: usize,
    problem: Option<&'static str>,
}

impl<R: Read> Rows<R> {
    /// Reads the first line, to look [ahead](Self::ahead) at it.
    ///
    /// # Errors
    /// What the input says, and [`io::ErrorKind::InvalidData`] for UTF-16.
    pub(crate) fn new(input: R, delimiter: u8) -> io::Result<Self> {
        let mut parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        // It would look for a byte order mark itself, but only if the first read
        // happens to be long enough.
        parser.read_record(b"\n", &mut [0], &mut [0]);
        parser.set_line(1);
        let mut rows = Self {
            input,
            parser,
            buffer: vec![0; BUFFER],
            pending: 0..0,
            cells: vec![0; MAX_ROW + 1],
            ends: vec![0; MAX_COLUMNS + 1],
            after_carriage_return: false,
            taken: 0,
            ended_whole: true,
            at_end: false,
        };
        rows.begin()?;
        Ok(rows)
    }

    /// Reads one row into `batch`; false at the end of the input.
    pub(crate) fn read(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let mut row = Progress::default();
        let mut line = self.parser.line();
        loop {
            if self.pending.is_empty() && !self.fill()? {
                return Ok(self.finish(line, &row, batch));
            }
            if !row.begun {
                if self.skip_rest_of_line_end() {
                    line = self.parser.line();
                    continue;
                }
                if self.take_empty_line() {
                    batch.push(line, b"", &[], Some(reason::EMPTY_LINE));
                    return Ok(true);
                }
                row.begun = true;
            }
            if self.step(&mut row) {
                self.push(line, &row, batch);
                return Ok(true);
            }
        }
    }

    /// Whether there is something to read without waiting for the input.
    pub(crate) fn has_more_at_hand(&self) -> bool {
        !self.pending.is_empty()
    }

    /// How many bytes of the input were taken.
    pub(crate) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether the last row ended in a line break, and not with the input.
    pub(crate) const fn ended_whole(&self) -> bool {
        self.ended_whole
    }

    /// What was read and not taken, to look at before anything is.
    pub(super) fn ahead(&self) -> &[u8] {
        self.buffer.get(self.pending.clone()).unwrap_or_default()
    }

    /// From here on cells are divided by another character.
    pub(super) fn divide_by(&mut self, delimiter: u8) {
        let line = self.parser.line();
        self.parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        self.parser.read_record(b"\n", &mut [0], &mut [0]);
        self.parser.set_line(line);
    }

    fn fill(&mut self) -> io::Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        let read = read_some(&mut self.input, &mut self.buffer)?;
        self.pending = 0..read;
        self.at_end = read == 0;
        Ok(read > 0)
    }

    /// Reads to the end of the first line, or until there is no more room: what is
    /// found out from it must not hang on how the input comes.
    fn begin(&mut self) -> io::Result<()> {
        let mut filled = 0;
        loop {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            let read = if room.is_empty() {
                break;
            } else {
                read_some(&mut self.input, room)?
            };
            self.at_end = read == 0;
            let more = self.buffer.get(filled..filled + read).unwrap_or_default();
            filled += read;
            if read == 0 || more.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
                break;
            }
        }
        self.pending = 0..filled;
        match self.ahead() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the input is UTF-16: save it as CSV in UTF-8",
            )),
            head if head.starts_with(BYTE_ORDER_MARK) => {
                self.take(BYTE_ORDER_MARK.len());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, bytes: usize) {
        self.pending.start += bytes;
        self.taken += bytes as u64;
    }

    /// The `\n` of a `\r\n`, or nothing, after a `\r`.
    fn skip_rest_of_line_end(&mut self) -> bool {
        if !std::mem::take(&mut self.after_carriage_return) {
            return false;
        }
        self.parser.set_line(self.parser.line() + 1);
        if self.ahead().first() == Some(&b'\n') {
            self.take(1);
        }
        true
    }

    fn take_empty_line(&mut self) -> bool {
        match self.ahead().first() {
            Some(b'\n') => self.parser.set_line(self.parser.line() + 1),
            Some(b'\r') => self.after_carriage_return = true,
            _ => return false,
        }
        self.take(1);
        self.ended_whole = true;
        true
    }

    /// Goes on with a row; true if it is complete.
    fn step(&mut self, row: &mut Progress) -> bool {
        let input = self.buffer.get(self.pending.clone()).unwrap_or_default();
        let (result, bytes, written, ends) = self.parser.read_record(
            input,
            self.cells.get_mut(row.cells..).unwrap_or_default(),
            self.ends.get_mut(row.ends..).unwrap_or_default(),
        );
        let last = bytes.checked_sub(1).and_then(|last| input.get(last));
        let by_carriage_return = last == Some(&b'\r');
        self.take(bytes);
        let complete = row.advance(&result, written, ends);
        if complete {
            self.after_carriage_return = by_carriage_return;
            self.ended_whole = true;
        }
        complete
    }

    /// The input is over: in the midst of a row, or not.
    fn finish(&mut self, line: u64, row: &Progress, batch: &mut Batch) -> bool {
        self.after_carriage_return = false;
        if !row.begun {
            return false;
        }
        // A line break ends any row, unless it is taken for a part of a cell.
        let (mut probe, mut more) = ([0; 2], [0; 2]);
        let (_, _, written, ends) = self.parser.read_record(b"\n", &mut probe, &mut more);
        self.ended_whole = false;
        if written > 0 {
            batch.push(line, b"", &[], Some(reason::UNCLOSED_QUOTE));
        } else {
            let last = row.ends;
            if let (Some(place), [end, ..]) = (self.ends.get_mut(last), &more)
                && ends > 0
            {
                *place = *end;
            }
            let row = Progress {
                begun: true,
                cells: row.cells,
                ends: last + ends,
                problem: row.problem,
            };
            self.push(line, &row, batch);
        }
        true
    }

    fn push(&self, line: u64, row: &Progress, batch: &mut Batch) {
        let problem = row
            .problem
            .or((row.ends > MAX_COLUMNS).then_some(reason::TOO_MANY_COLUMNS));
        if problem.is_some() {
            batch.push(line, b"", &[], problem);
            return;
        }
        let cells = self.cells.get(..row.cells).unwrap_or_default();
        let ends = self.ends.get(..row.ends).unwrap_or_default();
        batch.push(line, cells, ends, None);
    }
}

impl Progress {
    /// Notes what the parser has done; true if the row is complete.
    fn advance(&mut self, result: &ReadRecordResult, written: usize, ends: usize) -> bool {
        self.cells += written;
        self.ends += ends;
        match result {
            ReadRecordResult::Record => return true,
            // From there on what is written is of no use, and written over.
            ReadRecordResult::OutputFull => {
                self.problem.get_or_insert(reason::TOO_LONG);
                self.cells = 0;
            }
            ReadRecordResult::OutputEndsFull => {
                self.problem.get_or_insert(reason::TOO_MANY_COLUMNS);
                self.ends = 0;
            }
            ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
        }
        false
    }
}

fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (u64, Option<&'static str>, Vec<Vec<u8>>);

    /// Hands out so many bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(buffer.len()).min(self.0.len());
            let (now, later) = self.0.split_at(length);
            buffer[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    fn rows_by(input: &[u8], step: usize) -> Vec<Told> {
        let mut rows = Rows::new(Drip(input, step), b',').unwrap();
        let mut batch = Batch::default();
        while rows.read(&mut batch).unwrap() {}
        assert_eq!(rows.taken(), input.len() as u64);
        let told = |row: super::super::Row<'_>| {
            (
                row.line,
                row.problem,
                row.cells().map(<[u8]>::to_vec).collect(),
            )
        };
        batch.rows().map(told).collect()
    }

    fn rows(input: &[u8]) -> Vec<Told> {
        let whole = rows_by(input, usize::MAX);
        for step in [1, 2, 3, 7] {
            assert_eq!(rows_by(input, step), whole, "{step} bytes at a time");
        }
        whole
    }

    fn row(line: u64, cells: &[&str]) -> Told {
        let cells = cells.iter().map(|cell| cell.as_bytes().to_vec());
        (line, None, cells.collect())
    }

    fn problem(line: u64, reason: &'static str) -> Told {
        (line, Some(reason), Vec::new())
    }

    #[test]
    fn line_ends_of_every_kind() {
        let expected = [row(1, &["a", "b"]), row(2, &["c", ""])];
        for text in [
            "a,b\nc,\n",
            "a,b\nc,",
            "a,b\r\nc,\r\n",
            "a,b\r\nc,",
            "a,b\rc,\r",
            "\u{feff}a,b\nc,",
            "\u{feff}a,b\r\n\"c\",\"\"",
        ] {
            assert_eq!(rows(text.as_bytes()), expected, "{text:?}");
        }
        assert!(rows(b"").is_empty());
        assert!(rows("\u{feff}".as_bytes()).is_empty());
    }

    #[test]
    fn quotes() {
        let text = "\"a,1\",\"say \"\"hi\"\"\"\n\"two\nlines\r\n\",b\nmid\"dle,c\n";
        let expected = [
            row(1, &["a,1", "say \"hi\""]),
            row(2, &["two\nlines\r\n", "b"]),
            row(5, &["mid\"dle", "c"]),
        ];
        assert_eq!(rows(text.as_bytes()), expected);
    }

    #[test]
    fn empty_lines_are_rows_that_are_refused() {
        let expected = [
            problem(1, reason::EMPTY_LINE),
            row(2, &["a"]),
            problem(3, reason::EMPTY_LINE),
            problem(4, reason::EMPTY_LINE),
            row(5, &[" "]),
            problem(6, reason::EMPTY_LINE),
        ];
        for end in ["\n", "\r\n", "\r"] {
            let text = ["", "a", "", "", " ", "", ""].join(end);
            assert_eq!(rows(text.as_bytes()), expected, "{end:?}");
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_is_told_by_its_first_line() {
        for text in ["a\n\"b,c\nd\n", "a\n\"", "a\nb,\"", "a\nb,\"\"\"\n"] {
            let expected = [row(1, &["a"]), problem(2, reason::UNCLOSED_QUOTE)];
            assert_eq!(rows(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(rows(b"\"a\""), [row(1, &["a"])]);
        assert_eq!(rows(b"\"a\"\"\""), [row(1, &["a\""])]);
    }

    #[test]
    fn rows_that_are_too_long_are_skipped_to_their_end() {
        let longest = "x".repeat(MAX_ROW);
        for (cell, fits) in [
            (longest.clone(), true),
            (format!("{longest}x"), false),
            (longest.repeat(5), false),
            (format!("\"{longest}\nx\""), false),
        ] {
            let text = format!("a\n{cell}\nb\n");
            let found = rows_by(text.as_bytes(), usize::MAX);
            assert_eq!(found, rows_by(text.as_bytes(), 4095));
            assert_eq!(found.len(), 3);
            assert_eq!(found[1].1, (!fits).then_some(reason::TOO_LONG));
            let after = 3 + u64::from(cell.contains('\n'));
            assert_eq!(
                (&found[0], &found[2]),
                (&row(1, &["a"]), &row(after, &["b"]))
            );
        }
    }

    #[test]
    fn rows_of_too_many_columns_are_skipped_to_their_end() {
        for (commas, fits) in [
            (MAX_COLUMNS - 1, true),
            (MAX_COLUMNS, false),
            (MAX_COLUMNS + 1, false),
            (MAX_COLUMNS * 9, false),
        ] {
            for end in ["\n", ""] {
                let text = format!("a\n{}{end}", ",".repeat(commas));
                let found = rows(text.as_bytes());
                assert_eq!(found.len(), 2);
                assert_eq!(found[1].2.len(), if fits { commas + 1 } else { 0 });
                let why = (!fits).then_some(reason::TOO_MANY_COLUMNS);
                assert_eq!(found[1].1, why, "{commas}");
            }
        }
    }

    #[test]
    fn utf_16_is_told() {
        for head in [[0xff, 0xfe, b'a', 0], [0xfe, 0xff, 0, b'a']] {
            let error = Rows::new(&head[..], b',').map(drop).unwrap_err();
            assert!(error.to_string().contains("UTF-8"), "{error}");
        }
    }
}
