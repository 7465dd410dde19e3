//! `uid2 hash --csv`: a whole file.

use std::io::{self, Read, Write};
use std::num::NonZero;
use std::thread::available_parallelism;

use uid2_core::{Email, EmailError, EmailHash, HashText, Phone, PhoneError, PhoneHash};

use crate::csv::{self, Batch, Cells, Chosen, CsvOptions, Kind, Opened, Row};
use crate::csv::{Piece, Progress, Sink, Source, Summary, Tally, reason};
use crate::exit::Exit;
use crate::failure::Failure;

const KINDS: &[Kind] = &[Kind::Email, Kind::Phone];
/// More threads than this would wait for the one that reads.
const MAX_THREADS: usize = 16;

/// What a file is to come to.
#[derive(Clone)]
pub(crate) struct Plan {
    columns: Vec<Chosen>,
    delimiter: u8,
    width: usize,
    keep: bool,
    normalized: bool,
}

/// Hashes the file that the options name.
pub(super) fn run(options: &CsvOptions, normalized: bool, json: bool) -> Result<Exit, Failure> {
    let path = options.csv.as_deref().unwrap_or_else(|| "-".as_ref());
    let source = Source::open(path)?;
    let length = source.len();
    let opened = csv::open(source.reader, options, KINDS, [])?;
    let sink = Sink::open(options.output.as_deref(), options.overwrite)?;
    let threads = available_parallelism()
        .map_or(1, NonZero::get)
        .min(MAX_THREADS);
    let progress = Progress::of_bytes(length, sink.is_terminal());
    let done = hash(
        opened,
        options.keep_columns,
        normalized,
        threads,
        sink,
        &progress,
    )
    .map_err(|error| Failure::said("io", format!("stopped: {error}")))?;
    drop(progress);
    let summary = Summary {
        tally: done.tally,
        verb: "hashed",
        more: Vec::new(),
    };
    if !done.abandoned {
        summary.tell(json, options.output.is_none());
    }
    Ok(summary.exit())
}

/// Hashes an opened file into `output`.
pub(crate) fn hash<R: Read + Send + 'static>(
    opened: Opened<R>,
    keep: bool,
    normalized: bool,
    threads: usize,
    mut output: impl Write,
    progress: &Progress,
) -> io::Result<csv::Done> {
    let Opened {
        rows,
        delimiter,
        header,
        first,
        columns,
        width,
    } = opened;
    let plan = Plan {
        columns,
        delimiter,
        width,
        keep,
        normalized,
    };
    if let Some(names) = header.as_ref().and_then(|header| header.rows().next()) {
        let head = plan.header(names)?;
        match output.write_all(&head) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Ok(csv::Done {
                    tally: Tally::default(),
                    abandoned: true,
                });
            }
            result => result?,
        }
    }
    csv::run(
        rows,
        first,
        threads,
        move |batch| plan.work(batch),
        output,
        progress,
    )
}

impl Plan {
    fn header(&self, names: Row<'_>) -> io::Result<Vec<u8>> {
        let mut cells = Cells::new(self.delimiter);
        self.write_kept(&mut cells, names)?;
        for column in &self.columns {
            if self.normalized {
                cells.cell(format!("{}_normalized", column.kind.name()))?;
            }
            cells.cell(format!("{}_hash", column.kind.name()))?;
        }
        cells.cell("error")?;
        cells.end_row()?;
        cells.into_bytes()
    }

    fn work(&self, batch: &Batch) -> io::Result<Piece> {
        let mut cells = Cells::new(self.delimiter);
        let mut tally = Tally::default();
        for row in batch.rows() {
            if self.keep {
                self.write_kept(&mut cells, row)?;
            }
            let refused = self.write_hashes(&mut cells, row)?;
            cells.cell(refused.unwrap_or_default())?;
            cells.end_row()?;
            tally.count(row.line, refused);
        }
        let bytes = cells.into_bytes()?;
        Ok(Piece { bytes, tally })
    }

    /// As many cells as every row has, whatever this one has.
    fn write_kept(&self, cells: &mut Cells, row: Row<'_>) -> io::Result<()> {
        if !self.keep {
            return Ok(());
        }
        (0..self.width).try_for_each(|index| cells.cell(row.cell(index).unwrap_or_default()))
    }

    /// A cell or two for each column, and why the row is refused if it is.
    fn write_hashes(&self, cells: &mut Cells, row: Row<'_>) -> io::Result<Option<&'static str>> {
        let ragged = (row.len() != self.width).then_some(reason::RAGGED);
        let no_row = row.problem.or(ragged);
        let mut refused = no_row;
        let mut hashed = false;
        for column in &self.columns {
            let cell = row.cell(column.index).filter(|_| no_row.is_none());
            let result = cell.map_or(Ok(None), |cell| self.hash(column.kind, cell));
            let result = result.unwrap_or_else(|why| {
                refused.get_or_insert(why);
                None
            });
            hashed |= result.is_some();
            let (text, hash) = result.unzip();
            if self.normalized {
                cells.cell(text.unwrap_or_default())?;
            }
            cells.cell(hash.as_ref().map_or("", HashText::as_str))?;
        }
        if !hashed {
            refused.get_or_insert(reason::NOTHING);
        }
        Ok(refused)
    }

    /// The normalized text, if it is asked for, and the hash; nothing of an empty
    /// cell.
    fn hash(&self, kind: Kind, cell: &[u8]) -> Result<Option<(String, HashText)>, &'static str> {
        let text = std::str::from_utf8(cell).map_err(|_| reason::NOT_UTF8)?;
        if text.bytes().all(|byte| byte == b' ') {
            return Ok(None);
        }
        let hashed = match (kind, self.normalized) {
            (Kind::Phone, false) => PhoneHash::of(text)
                .map(|hash| (String::new(), hash.to_base64()))
                .map_err(reason_of_phone)?,
            (Kind::Phone, true) => Phone::parse(text)
                .map(|phone| (phone.as_str().to_owned(), phone.hash().to_base64()))
                .map_err(reason_of_phone)?,
            (_, false) => EmailHash::of(text)
                .map(|hash| (String::new(), hash.to_base64()))
                .map_err(reason_of_email)?,
            (_, true) => Email::parse(text)
                .map(|email| (email.as_str().to_owned(), email.hash().to_base64()))
                .map_err(reason_of_email)?,
        };
        Ok(Some(hashed))
    }
}

pub(crate) fn reason_of_email(error: EmailError) -> &'static str {
    match error {
        EmailError::NoAt => "email_no_at",
        EmailError::SeveralAt => "email_several_at",
        EmailError::EmptyLocal => "email_empty_local",
        EmailError::EmptyDomain => "email_empty_domain",
        _ => "invalid_email",
    }
}

pub(crate) fn reason_of_phone(error: PhoneError) -> &'static str {
    match error {
        PhoneError::NoPlus => "phone_no_plus",
        PhoneError::NotADigit => "phone_not_a_digit",
        PhoneError::TooShort | PhoneError::TooLong => "phone_length",
        _ => "invalid_phone",
    }
}
