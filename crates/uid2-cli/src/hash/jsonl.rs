//! Many lines in, as many out, in constant memory.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use super::line::{self, LineError};
use super::outcome::Outcome;
use crate::exit::Exit;
use crate::output::write_json;

/// Longest line that is looked at, in bytes, its line break not counted. An
/// e-mail address has at most 254 characters.
pub(super) const MAX_LINE: usize = 64 * 1024;

const BUFFER: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Hashes line by line. A reader that goes away ends it quietly.
pub(super) fn run(input: impl Read, output: impl Write) -> io::Result<Exit> {
    let mut lines = Lines::new(BufReader::with_capacity(BUFFER, input));
    let mut output = BufWriter::with_capacity(BUFFER, output);
    let mut exit = Exit::Success;
    while let Some(outcome) = lines.next_outcome()? {
        if outcome.is_error() {
            exit = Exit::Failure;
        }
        let written = write_json(&mut output, &outcome);
        // Before it blocks on its input it says what it has to say, so that one
        // can talk with it line by line.
        let flushed = written.and_then(|()| match lines.has_more_at_hand() {
            true => Ok(()),
            false => output.flush(),
        });
        match flushed {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                // Or else dropping the writer would try once more.
                let _ = output.into_parts();
                return Ok(exit);
            }
            result => result?,
        }
    }
    Ok(exit)
}

struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    first: bool,
}

impl<R: Read> Lines<R> {
    const fn new(input: BufReader<R>) -> Self {
        Self {
            input,
            line: Vec::new(),
            first: true,
        }
    }

    fn has_more_at_hand(&self) -> bool {
        self.input.buffer().contains(&b'\n')
    }

    /// What comes of the next line; `None` at the end of the input.
    fn next_outcome(&mut self) -> io::Result<Option<Outcome>> {
        self.line.clear();
        let bound = MAX_LINE as u64 + 1;
        if self
            .input
            .by_ref()
            .take(bound)
            .read_until(b'\n', &mut self.line)?
            == 0
        {
            return Ok(None);
        }
        if self.line.len() > MAX_LINE && self.line.last() != Some(&b'\n') {
            self.first = false;
            self.input.skip_until(b'\n')?;
            return Ok(Some(Outcome::error(&LineError::TooLong)));
        }
        Ok(Some(line::hash(self.without_byte_order_mark())))
    }

    fn without_byte_order_mark(&mut self) -> &[u8] {
        let first = std::mem::replace(&mut self.first, false);
        match self.line.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if first => rest,
            _ => &self.line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_on(input: &[u8]) -> (Exit, Vec<String>) {
        let mut output = Vec::new();
        let exit = run(input, &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        (exit, text.lines().map(str::to_owned).collect())
    }

    const A_LINE: &str = r#"{"email":"user@example.com"}"#;
    const A_RESULT: &str = concat!(
        r#"{"normalized":"user@example.com","#,
        r#""hash":"tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=","error":null}"#
    );

    #[test]
    fn the_last_line_needs_no_line_break_and_a_byte_order_mark_none_either() {
        for input in [
            format!("{A_LINE}\n{A_LINE}"),
            format!("{A_LINE}\n{A_LINE}\n"),
            format!("\u{feff}{A_LINE}\r\n{A_LINE}\r\n"),
        ] {
            let (exit, lines) = run_on(input.as_bytes());
            assert_eq!(exit, Exit::Success);
            assert_eq!(lines, [A_RESULT, A_RESULT]);
        }
        assert_eq!(run_on(b""), (Exit::Success, Vec::new()));
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_to_its_end() {
        let padded = |length: usize| {
            let mut line = A_LINE.to_owned();
            line.push_str(&" ".repeat(length - A_LINE.len()));
            line
        };
        let input = format!(
            "{}\n{}\n{}\n",
            padded(MAX_LINE),
            padded(MAX_LINE + 1),
            A_LINE
        );
        let (exit, lines) = run_on(input.as_bytes());
        assert_eq!(exit, Exit::Failure);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], A_RESULT);
        assert!(lines[1].contains("longer than 65536 bytes"), "{}", lines[1]);
        assert_eq!(lines[2], A_RESULT);

        let (exit, lines) = run_on(padded(10 * MAX_LINE).as_bytes());
        assert_eq!((exit, lines.len()), (Exit::Failure, 1));
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let input = format!("{A_LINE}\n").repeat(5000);
        assert_eq!(run(input.as_bytes(), Gone).unwrap(), Exit::Success);
    }

    #[test]
    fn it_answers_before_it_waits_for_more() {
        /// Hands out one line, and then insists that its answer has come out.
        struct Asker<'a> {
            lines: std::vec::IntoIter<String>,
            asked: usize,
            answered: &'a std::cell::Cell<usize>,
        }
        impl Read for Asker<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                assert_eq!(self.answered.get(), self.asked);
                let Some(line) = self.lines.next() else {
                    return Ok(0);
                };
                self.asked += 1;
                line.as_bytes().read(buffer)
            }
        }
        struct Counter<'a>(&'a std::cell::Cell<usize>);
        impl Write for Counter<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
                self.0.set(self.0.get() + lines);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let answered = std::cell::Cell::new(0);
        let asker = Asker {
            lines: vec![format!("{A_LINE}\n"); 3].into_iter(),
            asked: 0,
            answered: &answered,
        };
        run(asker, Counter(&answered)).unwrap();
        assert_eq!(answered.get(), 3);
    }
}
